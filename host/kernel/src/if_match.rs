//! What a change was decided on (`If-Match`: RFC 9110, section 13.1.1).

use crate::store::Revision;
use crate::{Error, Kind};

/// Which state of a thing a change is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum IfMatch {
    /// Whichever, so long as it is there (`*`).
    Existing,
    /// One of these revisions; of none, nothing ever matches.
    OneOf(Vec<Revision>),
}

impl IfMatch {
    /// Refuses a change where the thing, at revision `present` or not there, is
    /// not in a state that `wanted` names. Without `wanted` none is refused.
    ///
    /// # Errors
    ///
    /// [`Kind::Stale`].
    pub fn check(wanted: Option<&Self>, present: Option<Revision>) -> Result<(), Error> {
        let holds = match (wanted, present) {
            (None, _) | (Some(Self::Existing), Some(_)) => true,
            (Some(Self::OneOf(revisions)), Some(present)) => revisions.contains(&present),
            (Some(_), None) => false,
        };
        if holds {
            return Ok(());
        }
        Err(Error::new(
            Kind::Stale,
            match present {
                Some(_) => "it has changed since you read it: read it again and decide again",
                None => "it is not there, and If-Match asks that it is: leave the header out to make it",
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_revisions_is_enough_and_none_is_not() {
        let holds = |wanted: &IfMatch, present| IfMatch::check(Some(wanted), present).is_ok();
        let two = IfMatch::OneOf(vec![1, 7]);
        assert!(holds(&two, Some(7)) && holds(&two, Some(1)));
        assert!(!holds(&two, Some(3)) && !holds(&two, None));
        assert!(!holds(&IfMatch::OneOf(Vec::new()), Some(1)));
        assert!(holds(&IfMatch::Existing, Some(3)) && !holds(&IfMatch::Existing, None));
        assert!(IfMatch::check(None, None).is_ok());
    }
}
