use crate::{Context, Error};

impl Context {
    /// A salt of 16 bytes that is stable for one version of one credential in
    /// one format.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the host sent a seed that is too short.
    pub fn salt(&self) -> Result<[u8; 16], Error> {
        self.seed.first_chunk().copied().ok_or_else(|| Error::Internal("the seed is shorter than 32 bytes".into()))
    }
}
