use serde::{Deserialize, Serialize};

use super::Zone;
use crate::Error;
use crate::json;

/// What `present` passes to `poll` and `cleanup`: small JSON with a version.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Handle {
    v: u32,
    /// Where the record is.
    pub zone: Zone,
    /// The provider's id of the change to wait for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

impl Handle {
    /// A handle of this version.
    #[must_use]
    pub fn new(zone: Zone, change: Option<String>) -> Self {
        Self { v: VERSION, zone, change }
    }

    /// Reads a handle. `None` if the host lost it, or if another version of the
    /// plugin wrote it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        json::from_str(text).ok().filter(|handle: &Self| handle.v == VERSION)
    }

    /// The handle as text for the host.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`], which cannot happen with these types.
    pub fn text(&self) -> Result<String, Error> {
        json::to_string(self).map_err(|_| Error::Internal("a handle is not JSON".into()))
    }
}

const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_or_foreign_handle_is_none() {
        let handle = Handle::new(Zone::new("z1", "example.com"), Some("c1".into()));
        let text = handle.text().unwrap();
        assert_eq!(text, r#"{"v":1,"zone":{"id":"z1","name":"example.com"},"change":"c1"}"#);
        assert_eq!(Handle::read(&text), Some(handle));
        assert_eq!(Handle::read(""), None);
        assert_eq!(Handle::read(&text.replace("\"v\":1", "\"v\":2")), None);
    }
}
