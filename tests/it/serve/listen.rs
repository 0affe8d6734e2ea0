//! Where it listens, and where it refuses to.

use crate::support::server::{binary, free_port};
use crate::support::tools::{Ran, run};

/// Beyond loopback without TLS is refused unless told so explicitly.
#[test]
fn it_refuses_to_be_heard_in_the_clear() {
    for address in ["0.0.0.0", "[::]"] {
        let ran = serve(&format!("{address}:{}", free_port()));
        assert!(!ran.ok);
        assert!(ran.stderr.contains("TLS") && ran.stderr.contains("insecure_listen"), "{}", ran.stderr);
    }
}

#[test]
fn a_taken_port_is_a_clear_message() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("its address").to_string();
    let ran = serve(&address);
    assert!(!ran.ok);
    assert!(ran.stderr.contains(&address), "{}", ran.stderr);
}

#[test]
fn a_wrong_setting_is_named() {
    for (key, value) in [("BURSAR_LIMITS__BURST", "many"), ("BURSAR_SERVER__NO_SUCH_KEY", "1")] {
        let mut command = std::process::Command::new(binary());
        let folder = tempfile::tempdir().expect("a temporary folder");
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(folder.path()).env(key, value);
        let ran = run(&mut command);
        assert!(!ran.ok);
        let named = key.rsplit("__").next().expect("a key").to_lowercase();
        assert!(ran.stderr.to_lowercase().contains(&named), "{key}: {}", ran.stderr);
    }
}

/// Runs it to its end, which must come at once since it refuses.
fn serve(address: &str) -> Ran {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = std::process::Command::new(binary());
    run(command.args(["serve", "--listen", address, "--data-dir"]).arg(folder.path()))
}
