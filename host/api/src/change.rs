use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A member of a request body whose null differs from its absence.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Change<T> {
    /// Absent: the present value stays.
    #[default]
    Keep,
    /// Null: the value is removed, or set to its default.
    Clear,
    /// A new value.
    Set(T),
}

impl<T> Change<T> {
    /// Whether the member is absent.
    #[must_use]
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The change with its value converted.
    #[must_use]
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Self::Keep => Change::Keep,
            Self::Clear => Change::Clear,
            Self::Set(value) => Change::Set(convert(value)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

impl<T: Serialize> Serialize for Change<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Keep | Self::Clear => serializer.serialize_none(),
            Self::Set(value) => serializer.serialize_some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::PutMember;

    #[test]
    fn null_is_not_absence() {
        let set = json!({"role": "member", "bindable": {"credentials": ["a"], "labels": {}}});
        for (body, expected) in [
            (json!({"role": "member"}), Change::Keep),
            (json!({"role": "member", "bindable": null}), Change::Clear),
            (set, Change::Set(vec!["a".to_owned()])),
        ] {
            let read: PutMember = serde_json::from_value(body.clone()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), body);
            assert_eq!(read.bindable.map(|bindable| bindable.credentials), expected, "{body}");
        }
    }
}
