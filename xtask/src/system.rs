//! The third-party programs that the tests run Bursar against.
//!
//! On Debian and Ubuntu, missing ones are installed if run as root; elsewhere they are
//! named, and with `CI=true` a missing one is a failure.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::python;
use crate::shell::{Error, run};

/// Makes sure that every tool is installed.
pub(crate) fn ensure() -> Result<(), Error> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    let is_debian = Path::new("/usr/bin/apt-get").exists();
    if is_debian && is_root() {
        install(&packages)?;
    }
    match self::missing().first() {
        None => Ok(()),
        Some(tool) => {
            let cure = format!("install the Debian package `{}`, or its equivalent on your system", tool.package);
            if is_ci() {
                return Err(Error::Missing(tool.program.to_owned(), cure));
            }
            eprintln!("`{}` is not installed: {cure}. The tests that use it will fail.", tool.program);
            Ok(())
        }
    }
}

/// Whether a program can be called by its name.
pub(crate) fn is_installed(program: &str) -> bool {
    if program == "python3" {
        return python::makes_environments();
    }
    let mut folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    folders.extend(["/usr/sbin", "/usr/local/bin"].map(PathBuf::from));
    // On Debian, PostgreSQL's server programs are not on the path.
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    folders.iter().any(|folder| folder.join(program).is_file())
}

/// Whether a missing tool is a failure.
pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|ci| ci == "true")
}

struct Tool {
    /// A name on the path, or a file of a package without a program.
    program: &'static str,
    package: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool { program: "openssl", package: "openssl" },
    Tool { program: "curl", package: "curl" },
    Tool { program: "htpasswd", package: "apache2-utils" },
    Tool { program: "nginx", package: "nginx-light" },
    Tool { program: "skopeo", package: "skopeo" },
    Tool { program: "kubectl", package: "kubernetes-client" },
    Tool { program: "minisign", package: "minisign" },
    Tool { program: "script", package: "bsdutils" },
    Tool { program: "setpriv", package: "util-linux" },
    Tool { program: "update-ca-certificates", package: "ca-certificates" },
    Tool { program: "initdb", package: "postgresql" },
    Tool { program: "python3", package: "python3-venv" },
    Tool { program: "pdns_server", package: "pdns-server" },
    Tool { program: "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql", package: "pdns-backend-sqlite3" },
    Tool { program: "sqlite3", package: "sqlite3" },
    Tool { program: "dig", package: "bind9-dnsutils" },
    Tool { program: "lego", package: "lego" },
    Tool { program: "pebble", package: "pebble" },
    Tool { program: "faketime", package: "faketime" },
];

fn missing() -> Vec<&'static Tool> {
    TOOLS.iter().filter(|tool| !is_installed(tool.program)).collect()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn install(packages: &[&str]) -> Result<(), Error> {
    let _quiet = NoDaemons::start();
    run(Command::new("apt-get").arg("update").arg("--quiet=2"))?;
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    run(install.args(["install", "--yes", "--quiet=2", "--no-install-recommends"]).args(packages))
}

/// Prevents packages from starting their servers while it exists: the tests start their
/// own, on free ports.
struct NoDaemons(Option<&'static Path>);

impl NoDaemons {
    fn start() -> Self {
        let policy = Path::new("/usr/sbin/policy-rc.d");
        if policy.exists() || fs::write(policy, "#!/bin/sh\nexit 101\n").is_err() {
            return Self(None);
        }
        // If this fails, apt starts the servers, which does not affect the tests.
        let _ = fs::set_permissions(policy, fs::Permissions::from_mode(0o755));
        Self(Some(policy))
    }
}

impl Drop for NoDaemons {
    fn drop(&mut self) {
        if let Some(policy) = self.0 {
            let _ = fs::remove_file(policy);
        }
    }
}
