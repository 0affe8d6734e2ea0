use std::cell::RefCell;

use super::*;

#[derive(Default)]
struct Fake {
    records: RefCell<Vec<(String, Record)>>,
    deaf: bool,
}

impl Fake {
    fn with(contents: &[&str]) -> Self {
        let fake = Self::default();
        for content in contents {
            fake.push(FQDN, content);
        }
        fake
    }

    fn push(&self, fqdn: &str, content: &str) {
        let id = format!("r{}", self.records.borrow().len());
        self.records.borrow_mut().push((fqdn.into(), Record { id, content: content.into() }));
    }

    fn contents(&self) -> Vec<String> {
        self.records.borrow().iter().map(|(_, record)| record.content.clone()).collect()
    }
}

impl Zones for Fake {
    fn find_zone(&self, _: &str) -> Result<Zone, Error> {
        self.any_zone()
    }

    fn any_zone(&self) -> Result<Zone, Error> {
        Ok(Zone::new("z1", "example.com"))
    }
}

impl Records for Fake {
    const MIN_TTL_SECONDS: u32 = 60;

    fn list(&self, _: &Zone, fqdn: &str) -> Result<Vec<Record>, Error> {
        let records = self.records.borrow();
        Ok(records.iter().filter(|(name, _)| name == fqdn).map(|(_, record)| record.clone()).collect())
    }

    fn add(&self, _: &Zone, fqdn: &str, value: &str, ttl_seconds: u32) -> Result<(), Error> {
        assert!(ttl_seconds >= Self::MIN_TTL_SECONDS);
        if !self.deaf {
            self.push(fqdn, &txt::quoted(value));
        }
        Ok(())
    }

    fn delete(&self, _: &Zone, id: &str) -> Result<(), Error> {
        self.records.borrow_mut().retain(|(_, record)| record.id != id);
        Ok(())
    }
}

#[test]
fn only_our_value_comes_and_goes() {
    let fake = Fake::with(&["foreign", "\"other\""]);
    let handle = fake.present(&record("ours")).unwrap();
    fake.present(&record("ours")).unwrap();
    assert_eq!(fake.contents(), ["foreign", "\"other\"", "\"ours\""]);
    fake.cleanup(&record("ours"), &handle).unwrap();
    fake.cleanup(&record("ours"), "").unwrap();
    assert_eq!(fake.contents(), ["foreign", "\"other\""]);
}

#[test]
fn a_value_without_quotes_is_the_same() {
    let fake = Fake::with(&["ours"]);
    fake.present(&record("ours")).unwrap();
    assert_eq!(fake.contents(), ["ours"]);
    fake.cleanup(&record("ours"), "").unwrap();
    assert!(fake.contents().is_empty());
}

#[test]
fn a_check_leaves_nothing_and_believes_only_what_is_shown() {
    let fake = Fake::default();
    assert!(fake.check(None, &context()).is_ok());
    assert!(fake.contents().is_empty());
    let deaf = Fake { deaf: true, ..Fake::default() };
    assert!(matches!(deaf.check(None, &context()), Err(Error::Unavailable(_))));
}

fn record(value: &str) -> TxtRecord {
    TxtRecord { fqdn: FQDN.into(), zone_hint: None, value: value.into(), ttl_seconds: 1 }
}

fn context() -> Context {
    Context { name: "dns".into(), version: 1, seed: vec![7; 32], options: "{}".into() }
}

const FQDN: &str = "_acme-challenge.example.com";
