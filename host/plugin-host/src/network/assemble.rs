//! Assembles values from parts, each secret only where a placement allows it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bursar_scrub::{RFC_3986, json_inside};
use percent_encoding::percent_encode;
use zeroize::Zeroizing;

use super::call_secrets::{CallSecrets, Origin};
use super::keys::Keys;
use super::placements::{InjectionRules, KEY};
use super::request::{Denial, Encoding, Field, Part};

/// What the values of one request are assembled from.
pub(crate) struct Assembly<'a> {
    pub(crate) secrets: &'a CallSecrets,
    pub(crate) keys: &'a Keys,
    pub(crate) rules: &'a InjectionRules<'a>,
}

/// A value as it is sent, and how much of it counts towards limits. What the host
/// fills in does not count, or a plugin could measure its length.
pub(crate) struct Filled<T> {
    pub(crate) value: T,
    /// Bytes that the plugin wrote itself.
    pub(crate) counted: usize,
    /// How many secrets are in it.
    pub(crate) secrets: usize,
    /// How many signatures and digests are in it.
    pub(crate) made: usize,
}

/// A part with its value filled in.
pub(crate) enum FilledPart {
    /// The plugin's own text.
    Plain(Zeroizing<Vec<u8>>),
    /// A signature or digest that may go to this host.
    Made(Zeroizing<Vec<u8>>),
    Secret {
        origin: Origin,
        value: Zeroizing<Vec<u8>>,
        /// In the encoding that the part asks for.
        written: Zeroizing<Vec<u8>>,
        /// Length of the user name if the part was `basic`, which only headers may
        /// hold.
        user: Option<usize>,
    },
}

impl FilledPart {
    /// Bytes of it that the plugin wrote itself.
    pub(crate) fn counted(&self) -> usize {
        match self {
            Self::Plain(bytes) => bytes.len(),
            Self::Made(_) => 0,
            Self::Secret { user, .. } => user.unwrap_or_default(),
        }
    }
}

impl Assembly<'_> {
    /// A header's value.
    ///
    /// # Errors
    ///
    /// The rule it breaks.
    pub(crate) fn header(&self, name: &str, parts: &[Part]) -> Result<Filled<Zeroizing<Vec<u8>>>, Denial> {
        let mut filled = Filled::new(Zeroizing::new(Vec::new()));
        for piece in self.placed(&format!("header:{name}"), parts)? {
            filled.counted += piece.counted();
            let bytes = filled.note(&piece);
            filled.value.extend_from_slice(bytes);
        }
        if filled.value.iter().any(u8::is_ascii_control) {
            return Err(Denial::new(format!("the value of header {name} would hold a control character")));
        }
        Ok(filled)
    }

    /// `?name=value&...`, everything but unreserved characters percent-encoded
    /// (RFC 3986, section 2.3), in the order given; empty without fields.
    ///
    /// # Errors
    ///
    /// The rule it breaks.
    pub(crate) fn query(&self, fields: &[Field]) -> Result<Filled<Zeroizing<String>>, Denial> {
        let mut query = Filled::new(Zeroizing::new(String::new()));
        let mut plain = 0;
        for Field { name, value } in fields {
            let separator = if query.value.is_empty() { "" } else { "&" };
            let name_is = format!("{separator}{}=", percent_encode(name.as_bytes(), RFC_3986));
            plain += name_is.len();
            query.value.push_str(&name_is);
            for piece in self.placed(&format!("query:{name}"), value)? {
                let before = query.value.len();
                let bytes = query.note(&piece);
                query.value.extend(percent_encode(bytes, RFC_3986));
                if matches!(piece, FilledPart::Plain(_)) {
                    plain += query.value.len() - before;
                }
            }
        }
        query.counted = plain;
        Ok(query)
    }

    /// The parts with their values, before placements are checked.
    ///
    /// # Errors
    ///
    /// When a part has no value, or is a signature that must not go to this host.
    pub(crate) fn pieces(&self, parts: &[Part]) -> Result<Vec<FilledPart>, Denial> {
        parts.iter().map(|part| self.piece(part)).collect()
    }

    /// The parts with their values, each checked for `place`.
    fn placed(&self, place: &str, parts: &[Part]) -> Result<Vec<FilledPart>, Denial> {
        let pieces = self.pieces(parts)?;
        for piece in &pieces {
            let FilledPart::Secret { origin, user, .. } = piece else { continue };
            if user.is_some() && place != AUTHORIZATION {
                return Err(Denial::new(format!("{origin} as `basic` goes into header:authorization alone")));
            }
            self.rules.permit(origin, place)?;
        }
        Ok(pieces)
    }

    fn piece(&self, part: &Part) -> Result<FilledPart, Denial> {
        if let Part::Output(handle, encoding) = part {
            let (bytes, origins) = self.keys.output(*handle)?;
            for origin in origins {
                self.rules.permit(origin, KEY)?;
            }
            return Ok(FilledPart::Made(encode(bytes, *encoding)));
        }
        piece(part, self.secrets)
    }
}

impl<T> Filled<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value, counted: 0, secrets: 0, made: 0 }
    }

    /// Counts a part and returns its bytes.
    pub(crate) fn note<'p>(&mut self, piece: &'p FilledPart) -> &'p [u8] {
        match piece {
            FilledPart::Plain(bytes) => bytes,
            FilledPart::Made(bytes) => {
                self.made += 1;
                bytes
            }
            FilledPart::Secret { written, .. } => {
                self.secrets += 1;
                written
            }
        }
    }
}

/// Fills in a part that needs no rules of a request.
///
/// # Errors
///
/// When it has no value.
pub(crate) fn piece(part: &Part, secrets: &CallSecrets) -> Result<FilledPart, Denial> {
    let pointer = match part {
        Part::Text(text) => return Ok(FilledPart::Plain(Zeroizing::new(text.clone().into_bytes()))),
        Part::Captured(name) => {
            let (origin, value) = secrets.captured(name)?;
            return Ok(FilledPart::Secret { origin, written: value.clone(), value, user: None });
        }
        Part::Output(..) => return Err(Denial::new("a signature has no place here")),
        Part::Secret(pointer) | Part::Basic(_, pointer) | Part::FormEncoded(pointer) | Part::JsonEscaped(pointer) => {
            pointer
        }
    };
    let (origin, value) = secrets.secret(pointer)?;
    let written = match part {
        Part::Basic(user, _) => basic(user, &value)?,
        Part::FormEncoded(_) => Zeroizing::new(form_encoded(&value).into_bytes()),
        Part::JsonEscaped(_) => Zeroizing::new(json_escaped(&value)?.into_bytes()),
        _ => value.clone(),
    };
    let user = match part {
        Part::Basic(user, _) => Some(user.len()),
        _ => None,
    };
    Ok(FilledPart::Secret { origin, value, written, user })
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
/// When it is not UTF-8.
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
