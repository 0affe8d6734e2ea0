//! What a plugin file can do before anybody approved it: nothing to the broker.
//! Issue lines: admission before compilation, a process of its own, what failed
//! is not tried again.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bombs::{costly, refused, salted};
use super::guest::{Guest, component};
use crate::support::server::{Builder, eventually};
use crate::support::{Client, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_hostile_files_stop_neither_the_broker_nor_its_next_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (plugins, data) = (folder.path().join("plugins"), folder.path().join("data"));
    fs::create_dir_all(&plugins).expect("a folder");
    let mut expected = Vec::new();
    let mut cheap = refused();
    let total = 50;
    for number in 0..total - 2 {
        let at = number % cheap.len();
        let (name, bytes, why) = &mut cheap[at];
        let name = format!("bomb-{number:02}-{name}");
        // Cut off is cut off, wherever the next one ends.
        let more = if *why == "it is not a whole component" { Vec::new() } else { salted(&name) };
        fs::write(plugins.join(format!("{name}.wasm")), [&bytes[..], &more].concat()).expect("a plugin file");
        expected.push((name, (*why).to_owned()));
    }
    for number in 0..2 {
        let name = format!("costly-{number}");
        fs::write(plugins.join(format!("{name}.wasm")), costly(&name)).expect("a plugin file");
        expected.push((name, "plugins.limits.compile_seconds".to_owned()));
    }
    for start in ["first", "second"] {
        let began = Instant::now();
        let server = starting(&data, &plugins, 1).most_memory(1 << 30).start().await;
        let ready = began.elapsed();
        let operator = server.operator();
        let all_told = eventually(Duration::from_mins(8), async || {
            // Somebody works here all the while.
            works(&operator, start).await;
            rejections(&operator).await.len() == total
        });
        assert!(all_told.await, "{start}: only {:?}", rejections(&operator).await);
        for (name, why) in &expected {
            let reason = rejections(&operator).await.into_iter().find(|(id, _)| id == name).expect("it is told").1;
            assert!(reason.contains(why.as_str()), "{start}: {name}: {reason}");
            let remembered = start == "second" && name.starts_with("costly");
            assert_eq!(reason.contains("to try again, delete plugin-cache/"), remembered, "{name}: {reason}");
        }
        let peak_mib = peak_kib(server.pid()) / 1024;
        println!(
            "{start} start: ready after {ready:.1?}, all refused after {:.1?}, peak {peak_mib} MiB",
            began.elapsed()
        );
        assert!(peak_mib < 700, "the broker took {peak_mib} MiB");
        assert_eq!(children(server.pid()), Vec::<u32>::new());
        assert!(server.is_running());
    }
    nothing_half_written(&data);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_that_compiles_is_bounded_and_its_death_is_a_rejection() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (plugins, data) = (folder.path().join("plugins"), folder.path().join("data"));
    fs::create_dir_all(&plugins).expect("a folder");
    let server = starting(&data, &plugins, 600).env("BURSAR_A_SECRET", "of the broker").start().await;
    fs::write(plugins.join("costly.wasm"), costly("killed")).expect("a plugin file");
    let child = compiling(&server).await;

    let of = |name: &str| fs::read_to_string(format!("/proc/{child}/{name}")).expect("the process is there");
    assert!(!of("environ").contains("BURSAR") && !of("environ").contains("HOME="), "{}", of("environ"));
    // Whoever started the broker may have left it something open; nothing of the broker's own is here.
    for open in fs::read_dir(format!("/proc/{child}/fd")).expect("the process is there").flatten() {
        let target = fs::read_link(open.path()).unwrap_or_default();
        let is_ours = target.starts_with(&data) || target.to_string_lossy().starts_with("socket:");
        assert!(!is_ours, "it has {} open", target.display());
    }
    assert_eq!(of("oom_score_adj").trim(), "1000");
    for (limit, value) in [
        ("Max data size", "536870912"),
        ("Max address space", "1073741824"),
        ("Max cpu time", "600"),
        ("Max core file size", "0"),
        ("Max file size", "0"),
    ] {
        let limits = of("limits");
        let line = limits.lines().find(|line| line.starts_with(limit)).expect("a line of it");
        assert_eq!(line[limit.len()..].split_whitespace().next(), Some(value), "{line}");
    }

    let operator = server.operator();
    works(&operator, "meanwhile").await;
    signal("KILL", child);
    let told = eventually(Duration::from_mins(1), async || {
        rejections(&operator).await.iter().any(|(id, reason)| id == "costly" && reason.contains("was killed"))
    });
    assert!(told.await, "{:?}", rejections(&operator).await);
    assert_eq!(children(server.pid()), Vec::<u32>::new(), "no child and no zombie");
    works(&operator, "afterwards").await;
    assert!(server.is_running());
    nothing_half_written(&data);

    // A good file is compiled as ever.
    fs::write(plugins.join("hostile.wasm"), component(Guest::Marked)).expect("a plugin file");
    let active = eventually(Duration::from_mins(2), async || {
        operator.get("/v1/plugins/hostile").await.body["state"] == "active"
    });
    assert!(active.await, "{}", operator.get("/v1/plugins/hostile").await.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_takes_the_broker_along_twice_is_not_compiled_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (plugins, data) = (folder.path().join("plugins"), folder.path().join("data"));
    fs::create_dir_all(&plugins).expect("a folder");
    fs::write(plugins.join("costly.wasm"), costly("restarts")).expect("a plugin file");

    // An operator who stops the broker says nothing about the plugin.
    let server = starting(&data, &plugins, 600).start().await;
    let child = compiling(&server).await;
    signal("TERM", server.pid());
    assert!(eventually(Duration::from_mins(1), async || !server.is_running()).await, "it waits for the compiler");
    assert!(!is_there(child), "the compiler goes on");
    drop(server);
    assert_eq!(records(&data), 0);

    for _ in 0..2 {
        let server = starting(&data, &plugins, 600).start().await;
        let child = compiling(&server).await;
        signal("KILL", server.pid());
        assert!(eventually(Duration::from_secs(30), async || !is_there(child)).await, "the compiler goes on");
        drop(server);
        assert_eq!(records(&data), 1);
    }
    let server = starting(&data, &plugins, 600).start().await;
    let operator = server.operator();
    let told = eventually(Duration::from_mins(1), async || {
        rejections(&operator)
            .await
            .iter()
            .any(|(_, reason)| reason.contains("Bursar ended 2 times on the way; to try again, delete plugin-cache/"))
    });
    assert!(told.await, "{:?}", rejections(&operator).await);
    drop(server);

    // With other limits it is another question.
    let server = starting(&data, &plugins, 1).start().await;
    let operator = server.operator();
    let told = eventually(Duration::from_mins(1), async || {
        rejections(&operator).await.iter().any(|(_, reason)| reason.contains("more than 1 s of computing time"))
    });
    assert!(told.await, "{:?}", rejections(&operator).await);
    nothing_half_written(&data);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compiler_out_of_memory_is_told_by_the_key() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (plugins, data) = (folder.path().join("plugins"), folder.path().join("data"));
    fs::create_dir_all(&plugins).expect("a folder");
    fs::write(plugins.join("costly.wasm"), costly("memory")).expect("a plugin file");
    let server = starting(&data, &plugins, 600).env("BURSAR_PLUGINS__LIMITS__COMPILE_MEMORY_MIB", "64").start().await;
    let operator = server.operator();
    let told = eventually(Duration::from_mins(2), async || {
        rejections(&operator)
            .await
            .iter()
            .any(|(_, reason)| reason.contains("more than 64 MiB of memory (plugins.limits.compile_memory_mib)"))
    });
    assert!(told.await, "{:?}", rejections(&operator).await);
    works(&operator, "afterwards").await;
}

/// A broker that waits for nothing, whose compilations have so much time.
fn starting(data: &Path, plugins: &Path, compile_seconds: u64) -> Builder {
    Server::builder()
        .data_dir(data)
        .plugins(plugins)
        .env("BURSAR_PLUGINS__START_WAIT_SECONDS", "1")
        .env("BURSAR_PLUGINS__LIMITS__COMPILE_SECONDS", compile_seconds.to_string())
}

/// A write and a call of a built-in plugin.
async fn works(operator: &Client, name: &str) {
    let name = crate::support::account::unique(name);
    let data = json!({ "username": "octo", "password": name });
    operator.post("credentials", json!({ "type": "basic-auth", "name": name, "data": data })).await.expect(201);
    operator.post(&format!("credentials/{name}/materialize"), json!({})).await.expect(200);
}

async fn rejections(operator: &Client) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = operator.all("/v1/plugins?limit=500").await;
    let rejected = all.iter().filter(|plugin| plugin["state"] == "rejected");
    rejected.map(|plugin| (text(&plugin["id"]), text(&plugin["reason"]))).collect()
}

/// The process that compiles for this broker, once it is at work: the bounds are
/// set, and the attempt is on record.
async fn compiling(server: &Server) -> u32 {
    let mut found = None;
    let at_work = eventually(Duration::from_mins(2), async || {
        let at_work = |pid: &u32| cpu_ticks(*pid) > 20;
        // The first of a start may be cut off when the start has waited enough.
        found = children(server.pid()).into_iter().find(at_work);
        found.is_some() && records(server.data_dir()) == 1
    });
    assert!(at_work.await, "nothing compiles: {}", server.log());
    found.expect("a process")
}

/// Processes, zombies included, whose parent this is.
fn children(of: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("a Linux system").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| stat(*pid).and_then(|stat| stat.first()?.parse().ok()) == Some(of)).collect()
}

fn cpu_ticks(pid: u32) -> u64 {
    let number = |stat: &[String], at: usize| stat.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    stat(pid).map_or(0, |stat| number(&stat, 10) + number(&stat, 11))
}

fn is_there(pid: u32) -> bool {
    stat(pid).is_some()
}

/// The fields of `/proc/PID/stat` from the parent on.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit(')').next()?.split_whitespace().skip(1).map(str::to_owned).collect())
}

fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the broker runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args(["-s", name, &pid.to_string()]).status().expect("kill runs");
    assert!(status.success());
}

fn records(data: &Path) -> usize {
    cache(data).iter().filter(|name| name.ends_with(".failed")).count()
}

fn nothing_half_written(data: &Path) {
    let whole = |name: &String| {
        Path::new(name).extension().is_some_and(|extension| extension == "failed" || extension == "cwasm")
    };
    assert!(cache(data).iter().all(whole), "{:?}", cache(data));
}

fn cache(data: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(data.join("plugin-cache")) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
