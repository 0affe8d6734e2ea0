//! Finds known secrets in text of others, in every encoding that services are
//! known to echo them in, and takes them out.
//!
//! Start at [`Scrubber`]. The spellings of a secret are in `spelling`.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod scrubber;
mod spelling;

pub use scrubber::{Matching, Scrubber};
pub use spelling::{RFC_3986, Spelling, json_inside};
