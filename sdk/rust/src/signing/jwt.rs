//! JSON Web Tokens signed at the host (RFC 7519), for grants such as Google's
//! `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523).

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::Serialize;

use super::{Key, SignatureAlgorithm};
use crate::Error;
use crate::http::Parts;
use crate::json::{self, Value, json};

/// A signed token in compact form, as parts of a request. `header` has the
/// members besides `alg` and `typ`, such as `{"kid": "..."}`.
///
/// # Errors
///
/// The host's; [`Error::Internal`] when `claims` is not JSON.
pub fn rs256(key: Key, header: &Value, claims: &impl Serialize) -> Result<Parts, Error> {
    let mut full = json!({ "alg": "RS256", "typ": "JWT" });
    if let (Some(full), Some(more)) = (full.as_object_mut(), header.as_object()) {
        full.extend(more.clone());
    }
    let message = format!("{}.{}", segment(&full)?, segment(claims)?);
    let signature = key.sign(SignatureAlgorithm::Rs256, message.as_str())?;
    Ok(Parts::from(message).text(".").base64url(signature))
}

fn segment(document: &impl Serialize) -> Result<String, Error> {
    let text = json::to_vec(document).map_err(|_| Error::Internal("a token's claims are not JSON".into()))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(text))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;
    use crate::http::{Secret, wire};
    use crate::signing::Source;
    use crate::{Part, host};

    /// Keeps what it is asked to sign.
    #[derive(Default)]
    struct Notary(RefCell<Vec<Part>>);

    impl host::Host for Notary {
        fn send(&self, _: &wire::Request) -> Result<wire::Response, wire::Error> {
            Err(wire::Error::Unsupported)
        }

        fn load(&self, source: &Source) -> Result<u32, Error> {
            assert_eq!(*source, Source::Pem(("/serviceAccount".into(), "/private_key".into())));
            Ok(1)
        }

        fn sign(&self, key: u32, algorithm: SignatureAlgorithm, data: &[Part]) -> Result<u32, Error> {
            assert_eq!((key, algorithm), (1, SignatureAlgorithm::Rs256));
            self.0.replace(data.to_vec());
            Ok(2)
        }
    }

    #[test]
    fn header_and_claims_are_text_and_the_signature_a_handle() {
        let notary = Rc::new(Notary::default());
        let token = host::with(notary.clone(), || {
            let key = Key::pem(Secret("/serviceAccount"), "/private_key").unwrap();
            rs256(key, &json!({ "kid": "k1" }), &json!({ "iss": "a@example.com" })).unwrap()
        });
        let [Part::Text(message), Part::Base64url(2)] = token.as_slice() else { panic!("{token:?}") };
        let message = message.trim_end_matches('.');
        assert_eq!(*notary.0.borrow(), [Part::Text(message.to_owned())]);
        let segments: Vec<Value> = message
            .split('.')
            .map(|segment| json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(segment).unwrap()).unwrap())
            .collect();
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": "k1" });
        assert_eq!(segments, [header, json!({ "iss": "a@example.com" })]);
    }
}
