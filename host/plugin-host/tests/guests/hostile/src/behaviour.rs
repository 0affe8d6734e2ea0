//! Ways to misbehave that several calls share.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::bindings::bursar::plugin::log;
use crate::bindings::bursar::plugin::types::Error;

/// What the data asks for.
pub fn of(data: &Value) -> &str {
    data["behaviour"].as_str().unwrap_or_default()
}

/// Uses up something, or dies.
pub fn common(behaviour: &str, data: &Value) {
    match behaviour {
        "loop" => loop {
            black_box(());
        },
        "alloc" => loop {
            std::mem::forget(black_box(vec![1_u8; 1 << 20]));
        },
        "recurse" => {
            black_box(recurse(1));
        }
        "panic" => panic!("the data is {data}"),
        "unreachable" => core::arch::wasm32::unreachable(),
        "out-of-bounds" => {
            // An address beyond the linear memory.
            let address = black_box(0xffff_fff0_usize) as *const u8;
            black_box(unsafe { address.read_volatile() });
        }
        "log-secret" => (0..100).for_each(|_| log::log(log::Level::Error, &data.to_string())),
        "log-flood" => loop {
            log::log(log::Level::Info, "x");
        },
        "spin" => {
            for n in 0..2_000_000_u32 {
                black_box(n);
            }
        }
        _ => {}
    }
}

/// Tries to tell the secret through the words of an error.
pub fn leak(behaviour: &str, secret: &str) -> Option<Error> {
    let one =
        |pointer: &str, code: &str, message: &str| Some(Error::Invalid(vec![crate::violation(pointer, code, message)]));
    match behaviour {
        "leak-message" => one("/password", "weak", secret),
        "leak-undeclared-message" => one("/password", "required", secret),
        "leak-code" => one("/password", secret, "bad"),
        "leak-pointer" => one(&format!("/{secret}"), "weak", ""),
        "leak-pointer-below" => one(&format!("/password/{secret}"), "weak", ""),
        "declared-pointer" => one("/publicKey", "weak", ""),
        "leak-order" => Some(Error::Invalid(vec![
            crate::violation("/username", "weak", ""),
            crate::violation("/password", "weak", ""),
            crate::violation("/username", "weak", ""),
            crate::violation("/username", "required", ""),
        ])),
        "leak-denied" => Some(Error::Denied(secret.into())),
        "leak-not-found" => Some(Error::NotFound(secret.into())),
        "leak-unavailable" => Some(Error::Unavailable(secret.into())),
        "leak-unsupported" => Some(Error::Unsupported(secret.into())),
        "leak-internal" => Some(Error::Internal(secret.into())),
        "leak-throttled" => Some(Error::Throttled(Some(secret.bytes().map(u32::from).sum()))),
        "nothing-wrong" => Some(Error::Invalid(vec![])),
        _ => None,
    }
}

/// Tries the world outside: what each import answered.
pub fn reach_out(data: &Value) -> Option<Value> {
    use crate::bindings::bursar::plugin::{clock, http, signing};
    use crate::bindings::wasi;
    let answer = match of(data) {
        "http" => {
            let request = http::Request {
                method: "GET".into(),
                url: "https://example.com/".into(),
                query: vec![],
                headers: vec![],
                body: None,
                endpoint: None,
            };
            format!("{:?}", http::send(&request).map(|_| ()))
        }
        "clock" => format!("{:?}", clock::now()),
        "signing" => format!(
            "{:?} {:?}",
            signing::load(&signing::Source::Secret((String::new(), "/password".into()))),
            signing::digest_text(signing::DigestAlgorithm::Sha256, b"x"),
        ),
        "wasi" => {
            let now = wasi::clocks::wall_clock::now();
            let random = wasi::random::random::get_random_bytes(8);
            let environment = wasi::cli::environment::get_environment();
            format!("{} {} {random:?} {environment:?}", now.seconds, now.nanoseconds)
        }
        "sleep" => {
            wasi::clocks::monotonic_clock::subscribe_duration(3_600_000_000_000).block();
            "slept".into()
        }
        _ => return None,
    };
    Some(serde_json::json!({"answer": answer}))
}

/// How often this memory was asked.
pub fn count() -> u32 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    CALLS.fetch_add(1, Ordering::Relaxed) + 1
}

#[expect(unconditional_recursion, reason = "that is the point")]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    recurse(black_box(depth + 1)) + frame[depth as usize % 64]
}
