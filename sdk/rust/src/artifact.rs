use serde::Serialize;

use crate::{Artifact, Error, Variable, json};

impl Artifact {
    /// A secret text file.
    #[must_use]
    pub fn text(name: &str, content: impl Into<String>) -> Self {
        Self::new(name, "text/plain", content.into())
    }

    /// A secret JSON file.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when `content` is not JSON.
    pub fn json(name: &str, content: &impl Serialize) -> Result<Self, Error> {
        let text = json::to_string(content).map_err(|_| Error::Internal("an artifact is not JSON".into()))?;
        Ok(Self::new(name, "application/json", text))
    }

    /// A secret file of PEM blocks (RFC 7468).
    #[must_use]
    pub fn pem(name: &str, content: impl Into<String>) -> Self {
        Self::new(name, "application/x-pem-file", content.into())
    }

    /// A secret file of any type.
    #[must_use]
    pub fn new(name: &str, media_type: &str, content: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), media_type: media_type.to_owned(), content: content.into(), sensitive: true }
    }

    /// Marks the content as no secret: people may see it.
    #[must_use]
    pub fn public(mut self) -> Self {
        self.sensitive = false;
        self
    }

    /// The two files of the well-known formats `login` and
    /// `kubernetes.io/basic-auth`.
    #[must_use]
    pub fn login(username: &str, password: &str) -> Vec<Self> {
        vec![Self::text("username", username).public(), Self::text("password", password)]
    }

    /// The file of the well-known format `env`; see
    /// [`env_file`](crate::env_file).
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] at each field whose value the format cannot hold.
    pub fn env(variables: &[Variable<'_>]) -> Result<Vec<Self>, Error> {
        Ok(vec![Self::text(".env", crate::env_file(variables)?)])
    }
}
