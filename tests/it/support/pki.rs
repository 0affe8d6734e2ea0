//! Keys and certificates that openssl made, not we.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::tools::{feed, run, tool};

/// A key algorithm by the name Bursar shows, with openssl's words for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyType {
    pub(crate) name: &'static str,
    genpkey: &'static [&'static str],
}

pub(crate) const RSA_2048: KeyType =
    KeyType { name: "RSA-2048", genpkey: &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"] };
pub(crate) const RSA_3072: KeyType =
    KeyType { name: "RSA-3072", genpkey: &["RSA", "-pkeyopt", "rsa_keygen_bits:3072"] };
pub(crate) const P256: KeyType =
    KeyType { name: "ECDSA-P256", genpkey: &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"] };
pub(crate) const P384: KeyType =
    KeyType { name: "ECDSA-P384", genpkey: &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"] };
pub(crate) const ED25519: KeyType = KeyType { name: "Ed25519", genpkey: &["ED25519"] };
pub(crate) const KEY_TYPES: [KeyType; 5] = [RSA_2048, RSA_3072, P256, P384, ED25519];

/// A folder where openssl works; gone with the test.
pub(crate) struct Workshop {
    folder: TempDir,
}

/// A certificate and its key, PEM.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// Root → intermediate → leaf.
pub(crate) struct Hierarchy {
    pub(crate) root: Pair,
    pub(crate) intermediate: Pair,
    pub(crate) leaf: Pair,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// Runs openssl here.
    #[track_caller]
    pub(crate) fn openssl(&self, arguments: &[&str], input: &str) -> String {
        feed(tool("openssl", "openssl").args(arguments).current_dir(self.folder.path()), input).output()
    }

    /// Whether openssl says yes.
    pub(crate) fn openssl_accepts(&self, arguments: &[&str]) -> bool {
        run(tool("openssl", "openssl").args(arguments).current_dir(self.folder.path())).ok
    }

    /// Writes a file here.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("a file in the temporary folder");
        path
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A private key, PKCS#8.
    pub(crate) fn key(&self, of: KeyType) -> String {
        let mut arguments = vec!["genpkey", "-algorithm"];
        arguments.extend(of.genpkey);
        self.openssl(&arguments, "")
    }

    /// The same key in its algorithm's own form: PKCS#1 or SEC1.
    pub(crate) fn traditional(&self, key: &str) -> String {
        self.openssl(&["pkey", "-traditional"], key)
    }

    /// A self-signed leaf for 90 days. `subject` as for `-subj`; `names` as for
    /// subjectAltName, empty for none.
    pub(crate) fn self_signed(&self, key: &str, subject: &str, names: &str) -> Pair {
        self.write("self.key", key);
        let names = format!("subjectAltName={names}");
        let mut arguments = vec!["req", "-x509", "-utf8", "-key", "self.key", "-days", "90", "-subj", subject];
        arguments.extend(["-config", self.empty_config()]);
        arguments.extend(["-addext", "basicConstraints=critical,CA:FALSE"]);
        if !names.ends_with('=') {
            arguments.extend(["-addext", &names]);
        }
        Pair { certificate: self.openssl(&arguments, ""), key: key.to_owned() }
    }

    /// A self-signed leaf for one name with a fresh P-256 key.
    pub(crate) fn leaf(&self, name: &str) -> Pair {
        self.self_signed(&self.key(P256), &format!("/CN={name}"), &format!("DNS:{name}"))
    }

    /// Root, intermediate and a leaf for `name`, keys of `of`.
    pub(crate) fn hierarchy(&self, of: KeyType, name: &str) -> Hierarchy {
        let root_key = self.key(of);
        self.write("root.key", &root_key);
        let config = self.empty_config();
        let root = self.openssl(
            &[
                "req",
                "-x509",
                "-key",
                "root.key",
                "-days",
                "3650",
                "-subj",
                "/O=Test/CN=Root of a test",
                "-config",
                config,
                "-addext",
                "basicConstraints=critical,CA:TRUE",
                "-addext",
                "subjectKeyIdentifier=hash",
            ],
            "",
        );
        let root = Pair { certificate: root, key: root_key };
        let intermediate =
            self.issue(&root, of, "/O=Test/CN=Intermediate of a test", "basicConstraints=critical,CA:TRUE,pathlen:0");
        let extensions = format!("basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:{name}");
        let leaf = self.issue(&intermediate, of, &format!("/CN={name}"), &extensions);
        Hierarchy { root, intermediate, leaf }
    }

    /// Whether the two belong together, as openssl sees it.
    pub(crate) fn is_pair(&self, certificate: &str, key: &str) -> bool {
        let of_certificate = self.openssl(&["x509", "-noout", "-pubkey"], certificate);
        let of_key = self.openssl(&["pkey", "-pubout"], key);
        of_certificate == of_key
    }

    fn issue(&self, by: &Pair, of: KeyType, subject: &str, extensions: &str) -> Pair {
        let key = self.key(of);
        self.write("subject.key", &key);
        self.write("issuer.pem", &by.certificate);
        self.write("issuer.key", &by.key);
        let identifiers = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid";
        self.write("extensions.cnf", format!("{extensions}\n{identifiers}\n"));
        let config = self.empty_config();
        let request = self.openssl(&["req", "-new", "-key", "subject.key", "-subj", subject, "-config", config], "");
        let certificate = self.openssl(
            &[
                "x509",
                "-req",
                "-CA",
                "issuer.pem",
                "-CAkey",
                "issuer.key",
                "-days",
                "365",
                "-extfile",
                "extensions.cnf",
            ],
            &request,
        );
        Pair { certificate, key }
    }

    /// The distribution's own configuration would add extensions.
    fn empty_config(&self) -> &'static str {
        self.write("empty.cnf", "[req]\ndistinguished_name = dn\nutf8 = yes\n[dn]\n");
        "empty.cnf"
    }
}

/// The PEM blocks of a text, one by one.
pub(crate) fn blocks(pem: &str) -> Vec<String> {
    pem.split_inclusive("-----END CERTIFICATE-----")
        .filter_map(|part| part.find("-----BEGIN CERTIFICATE-----").map(|at| format!("{}\n", &part[at..])))
        .collect()
}
