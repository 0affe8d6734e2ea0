//! Answers that come before the body: whoever keeps the connection for the next
//! request can use it, or was told that it closes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Account, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_before_the_body_leaves_a_connection_that_works() {
    let server = Server::builder().start().await;
    let account = Account::on(&server).await;
    let target = format!("/v1/accounts/{}/credentials", account.name);
    let may_not = account.auditor.token().to_owned();
    let may = account.manager.token().to_owned();
    for (what, token, target, length, status) in [
        ("no token of ours", "brs_user_none", target.as_str(), 20_000, 401),
        ("a role that may not", &may_not, &target, 20_000, 403),
        ("another account", &may, "/v1/accounts/none/credentials", 20_000, 404),
        ("too large", &may, &target, 400_000, 413),
        ("nothing there", &may, "/v1/nowhere", 20_000, 404),
    ] {
        for pause in [0, 30, 120] {
            let mut connection = Connection::to(&server);
            // As clients do that send the head first, and the body when it is ready.
            connection.send(
                format!(
                    "POST {target} HTTP/1.1\r\nHost: broker\r\nAuthorization: Bearer {token}\r\n\
                     Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
                )
                .as_bytes(),
            );
            for part in vec![b' '; length].chunks(length / 2) {
                std::thread::sleep(Duration::from_millis(pause));
                connection.send(part);
            }
            let (answered, closes) = connection.answer();
            assert_eq!(answered, status, "{what}, after {pause} ms");
            if !closes {
                connection.send(b"GET /healthz HTTP/1.1\r\nHost: broker\r\n\r\n");
                assert_eq!(connection.answer().0, 200, "{what}, after {pause} ms: the next request");
            }
        }
    }
}

struct Connection(BufReader<TcpStream>);

impl Connection {
    fn to(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address()).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time");
        Self(BufReader::new(stream))
    }

    fn send(&mut self, bytes: &[u8]) {
        // Where it was closed, no answer comes, and that is told.
        drop(self.0.get_mut().write_all(bytes));
    }

    /// The status, and whether the answer said that the connection closes.
    fn answer(&mut self) -> (u16, bool) {
        let (mut status, mut length, mut closes) = (0, 0, false);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("an answer");
            assert!(!line.is_empty(), "the connection was closed without an answer");
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().expect("a status");
            }
            if let Some(rest) = line.strip_prefix("content-length: ") {
                length = rest.parse().expect("a number");
            }
            closes |= line == "connection: close";
        }
        self.0.read_exact(&mut vec![0; length]).expect("the body");
        (status, closes)
    }
}
