//! The memory that a JSON text takes as a tree, computed before the tree is built.

use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

/// The size of a JSON text.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Measure {
    /// Values, and names of members.
    pub(super) nodes: usize,
    /// Objects among them.
    objects: usize,
}

/// Why a text was not measured.
#[derive(Debug)]
pub(super) enum MeasureError {
    /// It has too many nodes.
    TooMany,
    /// It is not JSON.
    Syntax(serde_json::Error),
}

impl Measure {
    /// Walks the text without building anything; stops at the first node over `most`.
    pub(super) fn of(text: &[u8], most: usize) -> Result<Self, MeasureError> {
        let mut counter = Counter { measure: Self::default(), most, is_over: false };
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let walked = Node(&mut counter).deserialize(&mut deserializer).and_then(|()| deserializer.end());
        match walked {
            _ if counter.is_over => Err(MeasureError::TooMany),
            Ok(()) => Ok(counter.measure),
            Err(error) => Err(MeasureError::Syntax(error)),
        }
    }

    /// Bytes of the tree and of one copy of it. At least what the allocator takes for
    /// each node, so that many small objects do not count as few bytes.
    pub(super) fn tree_bytes(self, text: usize) -> usize {
        let nodes = self.nodes.saturating_mul(NODE_BYTES);
        let objects = self.objects.saturating_mul(OBJECT_BYTES);
        text.saturating_add(nodes).saturating_add(objects).saturating_mul(2)
    }
}

struct Counter {
    measure: Measure,
    most: usize,
    is_over: bool,
}

impl Counter {
    fn count<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.measure.nodes += 1;
        self.is_over = self.measure.nodes > self.most;
        if self.is_over { Err(E::custom("too many nodes")) } else { Ok(()) }
    }
}

/// One value and its content.
struct Node<'a>(&'a mut Counter);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Node(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.0.measure.objects += 1;
        while members.next_key_seed(Name)?.is_some() {
            self.0.count::<A::Error>()?;
            members.next_value_seed(Node(self.0))?;
        }
        Ok(())
    }
}

/// The name of a member; not kept.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// A value in an array with twice the capacity it needs, or a name with its
/// allocation.
const NODE_BYTES: usize = 96;
/// The least that an object with one member takes: a leaf of its B-tree.
const OBJECT_BYTES: usize = 640;

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(text: &str) -> usize {
        Measure::of(text.as_bytes(), usize::MAX).unwrap().nodes
    }

    #[test]
    fn values_and_names_are_nodes() {
        assert_eq!(nodes("1"), 1);
        assert_eq!(nodes(r#"[1,-2,3.5,"four",null,true]"#), 7);
        assert_eq!(nodes(r#"{"a":{"b":[]},"a":2}"#), 7, "also what a later one takes the place of");
    }

    #[test]
    fn the_walk_ends_with_the_first_too_many() {
        let text = "[0,0,0,0,0";
        assert!(matches!(Measure::of(text.as_bytes(), 4), Err(MeasureError::TooMany)));
        assert!(matches!(Measure::of(text.as_bytes(), 6), Err(MeasureError::Syntax(_))));
        assert!(matches!(Measure::of(b"{} x", 6), Err(MeasureError::Syntax(_))));
        assert!(matches!(Measure::of(br#"{"a":1}"#, 2), Err(MeasureError::TooMany)));
    }

    /// Whatever is nested too deep for the tree is too deep for the walk.
    #[test]
    fn nesting_is_bounded() {
        let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
        assert!(matches!(Measure::of(&deep, usize::MAX), Err(MeasureError::Syntax(_))));
    }

    #[test]
    fn many_small_objects_are_not_small() {
        let text = format!("[{}0]", r#"{"":0},"#.repeat(1_000));
        let tree = Measure::of(text.as_bytes(), usize::MAX).unwrap().tree_bytes(text.len());
        assert!(tree > 1_000 * 640, "{tree}");
    }
}
