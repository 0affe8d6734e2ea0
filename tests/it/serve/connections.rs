//! How many connections there may be.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::support::Server;
use crate::support::server::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_one_address_are_bounded_and_the_rest_goes_on() {
    let server = Server::builder().env("BURSAR_LIMITS__CONNECTIONS_PER_ADDRESS", "8").start().await;
    let address: SocketAddr = server.address().parse().expect("an address");
    // What the start's own client left open is idle and gone in time.
    let mut open = Vec::new();
    let filled = async || {
        open.retain_mut(answers);
        open.extend(std::iter::repeat_with(|| connect(address)).take(8).filter_map(|mut stream| {
            let answered = answers(&mut stream);
            answered.then_some(stream)
        }));
        open.len() == 8 || open.len() == 7
    };
    assert!(eventually(Duration::from_mins(1), filled).await);
    let refused = (0..20).filter(|_| !answers(&mut connect(address))).count();
    assert!(refused >= 19, "only {refused} of 20 were refused");
    assert!(open.iter_mut().all(answers), "connections that are there go on");
    drop(open);
    let again = async || answers(&mut connect(address));
    assert!(eventually(Duration::from_secs(20), again).await, "places are free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_has_what_there_is_in_all() {
    let server = Server::builder()
        .env("BURSAR_LIMITS__CONNECTIONS_PER_ADDRESS", "2")
        .env("BURSAR_LIMITS__CONNECTIONS", "12")
        .env("BURSAR_SERVER__TRUSTED_PROXIES", "127.0.0.1")
        .start()
        .await;
    let address: SocketAddr = server.address().parse().expect("an address");
    let mut open: Vec<TcpStream> = (0..30).map(|_| connect(address)).collect();
    open.retain_mut(answers);
    assert!((8..=12).contains(&open.len()), "{}", open.len());
}

/// What the process asked of the system holds for the running one.
#[tokio::test]
async fn the_process_leaves_no_core_and_may_open_what_it_may() {
    let server = Server::builder().start().await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("it runs");
    let of = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).expect("a limit");
        let figures: Vec<&str> = line[name.len()..].split_whitespace().collect();
        (figures[0].to_owned(), figures[1].to_owned())
    };
    assert_eq!(of("Max core file size"), ("0".to_owned(), "0".to_owned()));
    let (soft, hard) = of("Max open files");
    assert_eq!(soft, hard);
    // What is not dumpable belongs to root, whoever runs it.
    let environment = std::fs::metadata(format!("/proc/{}/environ", server.pid())).expect("it runs");
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&environment), 0);
    assert!(server.log().contains("open files"), "{}", server.log());
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    stream
}

/// Whether a request on it is answered.
fn answers(stream: &mut TcpStream) -> bool {
    if stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: broker\r\n\r\n").is_err() {
        return false;
    }
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return false,
            Ok(count) => heard.extend_from_slice(&piece[..count]),
        }
        if heard.starts_with(b"HTTP/1.1 200") && heard.ends_with(b"}") {
            return true;
        }
    }
}
