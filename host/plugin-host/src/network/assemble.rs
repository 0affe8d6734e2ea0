//! Parts become values, each secret only where a placement lets it be.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::percent_encode;
use zeroize::Zeroizing;

use super::keys::Keys;
use super::placements::{KEY, Rules};
use super::request::{Denial, Encoding, Field, Part};
use super::scrub::{RFC_3986, json_inside};
use super::vault::{Origin, Vault};

/// What the values of one request are made with.
pub(crate) struct Assembly<'a> {
    pub(crate) vault: &'a Vault,
    pub(crate) keys: &'a Keys,
    pub(crate) rules: &'a Rules<'a>,
}

/// A part, its value filled in.
pub(crate) enum Piece {
    /// Free to stand anywhere in this request.
    Plain(Zeroizing<Vec<u8>>),
    Secret {
        origin: Origin,
        value: Zeroizing<Vec<u8>>,
        /// As the part asks for it.
        written: Zeroizing<Vec<u8>>,
        /// Whether the part was `basic`, which is a header's.
        basic: bool,
    },
}

impl Assembly<'_> {
    /// A header's value.
    ///
    /// # Errors
    ///
    /// The rule it breaks.
    pub(crate) fn header(&self, name: &str, parts: &[Part]) -> Result<Zeroizing<Vec<u8>>, Denial> {
        let value = self.field(&format!("header:{name}"), parts)?;
        if value.iter().any(u8::is_ascii_control) {
            return Err(Denial::new(format!("the value of header {name} would hold a control character")));
        }
        Ok(value)
    }

    /// `?name=value&...`, everything but unreserved characters percent-encoded
    /// (RFC 3986, section 2.3), in the order given; `None` without fields.
    ///
    /// # Errors
    ///
    /// The rule it breaks.
    pub(crate) fn query(&self, fields: &[Field]) -> Result<Option<Zeroizing<String>>, Denial> {
        let mut query = Zeroizing::new(String::new());
        for Field { name, value } in fields {
            let value = self.field(&format!("query:{name}"), value)?;
            if !query.is_empty() {
                query.push('&');
            }
            query.extend(percent_encode(name.as_bytes(), RFC_3986));
            query.push('=');
            query.extend(percent_encode(&value, RFC_3986));
        }
        Ok((!fields.is_empty()).then_some(query))
    }

    /// The parts with their values, none of them placed yet.
    ///
    /// # Errors
    ///
    /// Where one has no value, or is a signature that must not go to this host.
    pub(crate) fn pieces(&self, parts: &[Part]) -> Result<Vec<Piece>, Denial> {
        parts.iter().map(|part| self.piece(part)).collect()
    }

    fn field(&self, place: &str, parts: &[Part]) -> Result<Zeroizing<Vec<u8>>, Denial> {
        let mut joined = Zeroizing::new(Vec::new());
        for piece in self.pieces(parts)? {
            match piece {
                Piece::Plain(bytes) => joined.extend_from_slice(&bytes),
                Piece::Secret { origin, written, basic, .. } => {
                    if basic && place != AUTHORIZATION {
                        return Err(Denial::new(format!("{origin} as `basic` goes into header:authorization alone")));
                    }
                    self.rules.permit(&origin, place)?;
                    joined.extend_from_slice(&written);
                }
            }
        }
        Ok(joined)
    }

    fn piece(&self, part: &Part) -> Result<Piece, Denial> {
        if let Part::Output(handle, encoding) = part {
            let (bytes, origins) = self.keys.output(*handle)?;
            for origin in origins {
                self.rules.permit(origin, KEY)?;
            }
            return Ok(Piece::Plain(encode(bytes, *encoding)));
        }
        piece(part, self.vault)
    }
}

/// A part that needs no rules of a request.
///
/// # Errors
///
/// Where it has no value.
pub(crate) fn piece(part: &Part, vault: &Vault) -> Result<Piece, Denial> {
    let pointer = match part {
        Part::Text(text) => return Ok(Piece::Plain(Zeroizing::new(text.clone().into_bytes()))),
        Part::Captured(name) => {
            let (origin, value) = vault.captured(name)?;
            return Ok(Piece::Secret { origin, written: value.clone(), value, basic: false });
        }
        Part::Output(..) => return Err(Denial::new("a signature has no place here")),
        Part::Secret(pointer) | Part::Basic(_, pointer) | Part::FormEncoded(pointer) | Part::JsonEscaped(pointer) => {
            pointer
        }
    };
    let (origin, value) = vault.secret(pointer)?;
    let written = match part {
        Part::Basic(user, _) => basic(user, &value)?,
        Part::FormEncoded(_) => Zeroizing::new(form_encoded(&value).into_bytes()),
        Part::JsonEscaped(_) => Zeroizing::new(json_escaped(&value)?.into_bytes()),
        _ => value.clone(),
    };
    Ok(Piece::Secret { origin, value, written, basic: matches!(part, Part::Basic(..)) })
}

/// A signature or digest as text.
pub(crate) fn encode(bytes: &[u8], encoding: Encoding) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(
        match encoding {
            Encoding::Hex => hex::encode(bytes),
            Encoding::Base64 => STANDARD.encode(bytes),
            Encoding::Base64Url => URL_SAFE_NO_PAD.encode(bytes),
        }
        .into_bytes(),
    )
}

/// As `application/x-www-form-urlencoded`.
pub(crate) fn form_encoded(value: &[u8]) -> String {
    form_urlencoded::byte_serialize(value).collect()
}

/// As the inside of a JSON string.
///
/// # Errors
///
/// Where it is not UTF-8.
pub(crate) fn json_escaped(value: &[u8]) -> Result<String, Denial> {
    str::from_utf8(value).map(json_inside).map_err(|_| Denial::new("a secret that is not UTF-8 has no place in JSON"))
}

/// RFC 7617, section 2.
fn basic(user: &str, secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, Denial> {
    if user.contains(':') || user.chars().any(char::is_control) {
        return Err(Denial::new("the user of `basic` holds a colon or a control character"));
    }
    let mut pair = Zeroizing::new(Vec::with_capacity(user.len() + 1 + secret.len()));
    pair.extend_from_slice(user.as_bytes());
    pair.push(b':');
    pair.extend_from_slice(secret);
    let encoded = Zeroizing::new(STANDARD.encode(&pair));
    Ok(Zeroizing::new([BASIC, encoded.as_bytes()].concat()))
}

/// Before the credentials of RFC 7617.
pub(crate) const BASIC: &[u8] = b"Basic ";
const AUTHORIZATION: &str = "header:authorization";
