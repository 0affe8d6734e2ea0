//! Components that cost whoever reads or compiles them as much as they can.

use super::guest::{Guest, component};

/// Some bombs that admission refuses, by name, and the key that it names.
pub(super) fn refused() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let nothing = vec![0, END];
    let constants = [vec![0], [I32_CONST, 1, DROP].repeat(1_600_000), vec![END]].concat();
    let types = section(1, &counted(1_000_000, &[0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f].repeat(1_250_000)));
    vec![
        ("tiny-functions", holding(&functions(&vec![nothing; 900_000], &[])), "plugins.limits.functions"),
        ("one-function", holding(&functions(&[constants], &[])), "plugins.limits.function_bytes"),
        ("types", holding(&types), "plugins.limits.declaration_bytes"),
        ("component-types", outer(&section(7, &[0x42].repeat(8 << 20))), "plugins.limits.definition_bytes"),
        ("nested", deep(400), "plugins.limits.nesting"),
        ("memories", holding(&section(5, &counted(100, &[0, 1].repeat(100)))), "a sandbox has room for 8"),
        ("sections", outer(&section(0, &[1, b'x']).repeat(2_000_000)), "plugins.limits.sections"),
        ("modules", outer(&section(1, &module(&[])).repeat(900)), "plugins.limits.modules"),
        ("promises", holding(&section(3, &leb128(4_000_000_000))), "plugins.limits.functions"),
        ("truncated", component(Guest::Marked)[..5_000].to_vec(), "it is not a whole component"),
    ]
}

/// A plugin that passes admission and takes a compiler a minute: the calls
/// through a table grow tenfold.
pub(super) fn costly(salt: &str) -> Vec<u8> {
    let calls = [vec![0], [I32_CONST, 0, CALL_INDIRECT, 0, 0].repeat(96), vec![END]].concat();
    let table = section(4, &[1, 0x70, 0, 16]);
    let module = module(&functions(&vec![calls; 16_000], &table));
    [component(Guest::Marked), section(1, &module), salted(salt)].concat()
}

/// The same plugin with another digest.
pub(super) fn salted(salt: &str) -> Vec<u8> {
    section(0, &[&leb128(4)[..], b"salt", salt.as_bytes()].concat())
}

/// Components inside one another, each of which states its length well.
fn deep(levels: usize) -> Vec<u8> {
    (0..levels).fold(outer(&[]), |inner, _| outer(&section(4, &inner)))
}

fn holding(sections: &[u8]) -> Vec<u8> {
    outer(&section(1, &module(sections)))
}

fn outer(parts: &[u8]) -> Vec<u8> {
    [&b"\0asm\x0d\0\x01\0"[..], parts].concat()
}

fn module(sections: &[u8]) -> Vec<u8> {
    [&b"\0asm\x01\0\0\0"[..], sections].concat()
}

/// Types, functions, what stands between them and the code, and the code.
fn functions(bodies: &[Vec<u8>], between: &[u8]) -> Vec<u8> {
    let count = bodies.len() as u64;
    let code: Vec<u8> = bodies.iter().flat_map(|body| [leb128(body.len() as u64), body.clone()].concat()).collect();
    let types = section(1, &[1, 0x60, 0, 0]);
    [types, section(3, &counted(count, &vec![0; bodies.len()])), between.to_vec(), section(10, &counted(count, &code))]
        .concat()
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &leb128(content.len() as u64), content].concat()
}

fn counted(count: u64, rest: &[u8]) -> Vec<u8> {
    [&leb128(count)[..], rest].concat()
}

fn leb128(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

const END: u8 = 0x0b;
const CALL_INDIRECT: u8 = 0x11;
const DROP: u8 = 0x1a;
const I32_CONST: u8 = 0x41;
