//! Components put together by hand, since no tool makes what these are.

use super::*;

const MEMORY_BYTES: u64 = 64 << 20;

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

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &leb128(content.len() as u64), content].concat()
}

fn counted(count: u64, rest: &[u8]) -> Vec<u8> {
    [&leb128(count)[..], rest].concat()
}

fn module(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x01\0\0\0".to_vec(), sections.concat()].concat()
}

fn component(parts: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x0d\0\x01\0".to_vec(), parts.concat()].concat()
}

/// With one core module inside.
fn holding(sections: &[Vec<u8>]) -> Vec<u8> {
    component(&[section(1, &module(sections))])
}

/// `depth` components inside one another.
fn nested(depth: usize) -> Vec<u8> {
    (1..depth).fold(component(&[]), |inner, _| component(&[section(4, &inner)]))
}

fn code(bodies: &[Vec<u8>]) -> Vec<u8> {
    let bodies: Vec<u8> = bodies.iter().flat_map(|body| [leb128(body.len() as u64), body.clone()].concat()).collect();
    bodies
}

/// As many functions as there are bodies: a parser refuses all else first.
fn functions(count: u64, bodies: &[u8]) -> Vec<u8> {
    let types = vec![0; usize::try_from(count).expect("a small number")];
    holding(&[section(3, &counted(count, &types)), section(10, &counted(count, bodies))])
}

fn refusal(component: &[u8]) -> String {
    admit(component, &ComponentLimits::default(), MEMORY_BYTES).expect_err("it is refused")
}

#[test]
fn each_measure_refuses_by_its_key() {
    let tiny = code(&vec![vec![0, 0x0b]; 18_001]);
    let large = [vec![0], vec![1; 570_000], vec![0x0b]].concat();
    // Two groups of local variables of 600 each.
    let locals = [vec![2], leb128(600), vec![0x7f], leb128(600), vec![0x7e, 0x0b]].concat();
    let much = code(&vec![[vec![0], vec![1; 500_000], vec![0x0b]].concat(); 18]);
    let data: Vec<u8> = [1, 0].repeat(10_701);
    let custom = section(0, &[vec![1, b'x'], vec![0; 600_000]].concat());
    for (component, measure) in [
        (nested(7), Measure::Nesting),
        (component(&vec![section(1, &module(&[])); 53]), Measure::Modules),
        (component(&vec![section(4, &component(&[])); 36]), Measure::Components),
        (holding(&vec![section(0, &[1, b'x']); 1_301]), Measure::Sections),
        (holding(&[section(3, &counted(18_001, &vec![0; 18_001]))]), Measure::Functions),
        (functions(18_001, &tiny), Measure::Functions),
        (functions(1, &code(&[large])), Measure::FunctionBytes),
        (functions(1, &code(&[locals])), Measure::Locals),
        (functions(18, &much), Measure::CodeBytes),
        (holding(&[section(1, &vec![0x60; 312_001])]), Measure::DeclarationBytes),
        (component(&[section(7, &vec![0x42; 120_001])]), Measure::DefinitionBytes),
        (holding(&[section(11, &counted(10_701, &data))]), Measure::DataSegments),
        (component(&[custom]), Measure::CustomBytes),
        (component(&vec![section(0, &[vec![1, b'x'], vec![0; 1 << 20]].concat()); 25]), Measure::Bytes),
    ] {
        let reason = refusal(&component);
        let (most, key) = (measure.default_limit(), measure.key());
        assert!(reason.contains(&format!("at most {most} ({key})")), "{measure:?}: {reason}");
        // With room for it, it is refused for another reason.
        let limits = ComponentLimits::default().with(measure, u64::MAX);
        let reason = admit(&component, &limits, MEMORY_BYTES).expect_err("it is no plugin");
        assert!(!reason.contains(key), "{measure:?}: {reason}");
    }
}

#[test]
fn what_no_sandbox_has_room_for_is_refused() {
    let memories = counted(9, &[0, 1].repeat(9));
    let pages = [vec![1, 0], leb128(1025)].concat();
    let tables = counted(17, &[0x70, 0, 1].repeat(17));
    let elements = [vec![1, 0x70, 0], leb128(20_001)].concat();
    for (sections, why) in [
        (section(5, &memories), "it has 9 memories; a sandbox has room for 8"),
        (section(5, &pages), "its memories start with 67174400 bytes"),
        (section(4, &tables), "it has 17 tables; a sandbox has room for 16"),
        (section(4, &elements), "it has a table of 20001 elements; a sandbox has room for 20000"),
    ] {
        let reason = refusal(&holding(&[sections]));
        assert!(reason.contains(why), "{why}: {reason}");
    }
}

#[test]
fn a_count_without_content_is_held_to_the_limit_too() {
    let reason = refusal(&holding(&[section(3, &leb128(u64::from(u32::MAX)))]));
    assert!(reason.contains("at least 4294967295 functions"), "{reason}");
    let reason = refusal(&holding(&[section(3, &leb128(5))]));
    assert!(!reason.contains("at least"), "{reason}");
}

#[test]
fn what_is_cut_off_or_unknown_is_told() {
    let whole = holding(&[section(3, &[1, 0]), section(10, &counted(1, &code(&[vec![0, 0x0b]])))]);
    for end in 9..whole.len() {
        let reason = refusal(&whole[..end]);
        assert!(reason.starts_with("it is not a whole component"), "{end}: {reason}");
    }
    assert!(refusal(&whole).contains("does not export bursar:plugin/form"));
    let unknown = holding(&[section(0x3f, &[])]);
    assert!(
        refusal(&unknown).contains("malformed") || refusal(&unknown).contains("not known"),
        "{}",
        refusal(&unknown)
    );
}

#[test]
fn a_file_of_the_largest_size_is_read_in_little_memory_and_few_steps() {
    // Each of these stops at its first limit, however long the file goes on.
    let size = usize::try_from(Measure::Bytes.default_limit()).expect("a small number");
    let sections = section(0, &[0]).repeat(size / 3 - 10);
    assert!(refusal(&component(&[sections])).contains(Measure::Sections.key()));
    // Headers of nested components, each of which states the rest as its own.
    let mut deep = component(&[]);
    while deep.len() < size - 20 {
        deep.push(4);
        let mut rest = leb128((size - deep.len()) as u64);
        deep.append(&mut rest);
        deep.extend(b"\0asm\x0d\0\x01\0");
    }
    assert!(!refusal(&deep).is_empty());
}
