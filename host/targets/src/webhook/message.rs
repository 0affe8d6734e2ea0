//! Requests, and their signature.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use bursar_kernel::plugin::Artifact;
use bursar_regions::{Owner, Parcel, Removal, TargetError};
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

/// The body of a put. The same for every retry.
pub(super) fn put(
    region: &str,
    place: &str,
    parcel: &Parcel,
    receipt: Option<&Value>,
) -> Result<Zeroizing<Vec<u8>>, TargetError> {
    let mut body = RequestBody::new(region, place, &parcel.owner, receipt);
    body.credential.r#type = Some(&parcel.type_id);
    body.credential.version = Some(parcel.version);
    body.formats = Some(&parcel.formats);
    body.artifacts = Some(parcel.artifacts.iter().map(ArtifactBody::new).collect());
    body.write()
}

/// The body of a delete. The same for every retry.
pub(super) fn delete(
    region: &str,
    place: &str,
    removal: &Removal,
    receipt: Option<&Value>,
) -> Result<Zeroizing<Vec<u8>>, TargetError> {
    RequestBody::new(region, place, &removal.owner, receipt).write()
}

/// `t=<unix>,v1=<hex HMAC-SHA256 of "t.body">`
pub(super) fn signature(key: &hmac::Key, body: &[u8]) -> String {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut context = hmac::Context::with_key(key);
    context.update(format!("{time}.").as_bytes());
    context.update(body);
    format!("t={time},v1={}", hex::encode(context.sign()))
}

#[derive(Serialize)]
struct RequestBody<'a> {
    installation: String,
    region: &'a str,
    account: AccountBody<'a>,
    credential: CredentialBody<'a>,
    place: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    formats: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifacts: Option<Vec<ArtifactBody<'a>>>,
}

#[derive(Serialize)]
struct AccountBody<'a> {
    id: String,
    name: &'a str,
}

#[derive(Serialize)]
struct CredentialBody<'a> {
    id: String,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactBody<'a> {
    name: &'a str,
    media_type: &'a str,
    encoding: &'static str,
    content: Zeroizing<String>,
    sensitive: bool,
}

impl<'a> RequestBody<'a> {
    fn new(region: &'a str, place: &'a str, owner: &'a Owner, receipt: Option<&'a Value>) -> Self {
        Self {
            installation: owner.installation.to_string(),
            region,
            account: AccountBody { id: owner.account.to_string(), name: &owner.account_name },
            credential: CredentialBody {
                id: owner.credential.to_string(),
                name: &owner.credential_name,
                r#type: None,
                version: None,
            },
            place,
            receipt: receipt.filter(|receipt| !receipt.is_null()),
            formats: None,
            artifacts: None,
        }
    }

    fn write(&self) -> Result<Zeroizing<Vec<u8>>, TargetError> {
        let body = serde_json::to_vec(self);
        body.map(Zeroizing::new).map_err(|_| TargetError::Failed("the request cannot be written as JSON".to_owned()))
    }
}

impl<'a> ArtifactBody<'a> {
    fn new(artifact: &'a Artifact) -> Self {
        let (encoding, content) = match std::str::from_utf8(&artifact.content) {
            Ok(text) => ("utf-8", text.to_owned()),
            Err(_) => ("base64", BASE64_STANDARD.encode(&*artifact.content)),
        };
        Self {
            name: &artifact.name,
            media_type: &artifact.media_type,
            encoding,
            content: Zeroizing::new(content),
            sensitive: artifact.sensitive,
        }
    }
}
