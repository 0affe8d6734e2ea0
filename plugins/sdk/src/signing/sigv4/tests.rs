//! The keys, requests and results are those of AWS's documents and of its
//! published Signature Version 4 test suite.

use std::rc::Rc;

use super::*;
use crate::host;
use crate::signing::software::Software;

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html>,
/// the request to IAM that lists users.
#[test]
fn the_documents_example_is_signed_as_there() {
    let request = Request::get("https://iam.amazonaws.com/")
        .query("Version", "2010-05-08")
        .query("Action", "ListUsers")
        .header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    let signed = signed(request, &stored(), "iam");
    assert_eq!(signed.date, "20150830T123600Z");
    assert_eq!(
        signed.authorization,
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, \
         Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
}

fn stored() -> Credentials {
    Credentials::stored("AKIDEXAMPLE", Secret("/secretAccessKey"))
}

struct Signed {
    authorization: String,
    date: String,
}

fn signed(request: Request, credentials: &Credentials, service: &str) -> Signed {
    let secrets = vec![("/secretAccessKey", SECRET), ("secret-access-key", SECRET), ("session-token", TOKEN)];
    let host = Rc::new(Software::new(secrets, NOW));
    let request = host::with(host.clone(), || sign(request, credentials, "us-east-1", service)).unwrap();
    let header = |name: &str| {
        let field = request.wire().headers.iter().find(|field| field.name == name).expect("the header is there");
        host.filled(&field.value)
    };
    Signed { authorization: header("Authorization"), date: header("X-Amz-Date") }
}

/// 2015-08-30T12:36:00Z.
const NOW: i64 = 1_440_938_160;
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "token";
