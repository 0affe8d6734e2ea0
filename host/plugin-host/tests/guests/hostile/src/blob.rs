//! What the plugin says of itself: overwritten by tests, space-padded.

use std::hint::black_box;

pub static MANIFEST: [u8; 16384] = blob(b"@@MANIFEST@@");
pub static SCHEMA: [u8; 16384] = blob(b"@@A-SCHEMA@@");
pub static TEMPLATE: [u8; 4096] = blob(b"@@TEMPLATE@@");

/// The text of a blob, or what its order makes of it.
pub fn read(blob: &'static [u8]) -> String {
    let text = String::from_utf8_lossy(&black_box(blob)[12..]).trim_end().to_owned();
    match text.strip_prefix('!') {
        Some("huge") => " ".repeat((64 << 10) + 1),
        Some("enormous") => " ".repeat(16 << 20),
        Some(order) => {
            crate::behaviour::common(order, &serde_json::Value::Null);
            text
        }
        None => text,
    }
}

const fn blob<const N: usize>(marker: &[u8; 12]) -> [u8; N] {
    let mut bytes = [b' '; N];
    let mut at = 0;
    while at < marker.len() {
        bytes[at] = marker[at];
        at += 1;
    }
    bytes
}
