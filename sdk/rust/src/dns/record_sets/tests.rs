use std::cell::{Cell, RefCell};

use super::*;

/// One zone in memory. `races` writes by others come between a read and the
/// next write.
#[derive(Default)]
struct Fake {
    sets: RefCell<Vec<(String, Set)>>,
    writes: Cell<u32>,
    races: Cell<u32>,
    denied_below: Option<&'static str>,
}

impl Fake {
    fn with(fqdn: &str, values: &[&str], ttl_seconds: u32) -> Self {
        let values = values.iter().map(|it| (*it).to_owned()).collect();
        let set = Set { values, ttl_seconds, version: Some("0".into()) };
        Self { sets: RefCell::new(vec![(fqdn.into(), set)]), ..Self::default() }
    }

    fn values(&self, fqdn: &str) -> Option<Vec<String>> {
        self.sets.borrow().iter().find(|(name, _)| name == fqdn).map(|(_, set)| set.values.clone())
    }

    fn put(&self, fqdn: &str, new: Option<&Set>) {
        self.writes.set(self.writes.get() + 1);
        self.sets.borrow_mut().retain(|(name, _)| name != fqdn);
        if let Some(new) = new {
            let set = Set { version: Some(self.writes.get().to_string()), ..new.clone() };
            self.sets.borrow_mut().push((fqdn.into(), set));
        }
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

impl RecordSets for Fake {
    const MIN_TTL_SECONDS: u32 = 60;

    fn read(&self, _: &Zone, fqdn: &str) -> Result<Option<Set>, Error> {
        Ok(self.sets.borrow().iter().find(|(name, _)| name == fqdn).map(|(_, set)| set.clone()))
    }

    fn replace(&self, zone: &Zone, fqdn: &str, old: Option<&Set>, new: Option<&Set>) -> Result<Written, Error> {
        if self.denied_below.is_some_and(|suffix| fqdn.ends_with(suffix) && fqdn != suffix) {
            return Err(Error::Denied("not that name".into()));
        }
        if self.races.get() > 0 {
            self.races.set(self.races.get() - 1);
            let mut set = self.read(zone, fqdn)?.unwrap_or(Set { values: vec![], ttl_seconds: 5, version: None });
            set.values.push(format!("\"other{}\"", self.races.get()));
            self.put(fqdn, Some(&set));
        }
        let current = self.read(zone, fqdn)?;
        if current.as_ref().and_then(|set| set.version.as_ref()) != old.and_then(|set| set.version.as_ref()) {
            return Ok(Written::Conflict);
        }
        self.put(fqdn, new);
        Ok(Written::Done(Some(format!("c{}", self.writes.get()))))
    }

    fn change(&self, zone: &Zone, change: &str) -> Result<Progress, Error> {
        assert_eq!((zone.id.as_str(), change), ("z1", "c1"));
        Ok(Progress::Pending(5))
    }
}

#[test]
fn present_adds_beside_what_is_there_and_cleanup_takes_its_own_away() {
    let fake = Fake::with(FQDN, &["\"foreign\""], 300);
    let handle = fake.present(&record("ours", 1)).unwrap();
    assert_eq!(fake.values(FQDN).unwrap(), ["\"foreign\"", "\"ours\""]);
    fake.cleanup(&record("ours", 1), &handle).unwrap();
    assert_eq!(fake.values(FQDN).unwrap(), ["\"foreign\""]);
    assert_eq!(fake.sets.borrow()[0].1.ttl_seconds, 300, "the zone is as before");
}

#[test]
fn the_last_value_takes_the_set_with_it() {
    let fake = Fake::default();
    let handle = fake.present(&record("ours", 1)).unwrap();
    assert_eq!(fake.sets.borrow()[0].1.ttl_seconds, Fake::MIN_TTL_SECONDS);
    fake.cleanup(&record("ours", 1), &handle).unwrap();
    assert_eq!(fake.values(FQDN), None);
}

#[test]
fn two_values_of_one_order_live_side_by_side() {
    let fake = Fake::default();
    for value in ["apex", "wildcard"] {
        fake.present(&record(value, 60)).unwrap();
    }
    assert_eq!(fake.values(FQDN).unwrap(), ["\"apex\"", "\"wildcard\""]);
    fake.cleanup(&record("apex", 60), "").unwrap();
    assert_eq!(fake.values(FQDN).unwrap(), ["\"wildcard\""]);
}

#[test]
fn what_is_done_already_is_not_written_again() {
    let fake = Fake::with(FQDN, &["ours"], 60);
    let handle = fake.present(&record("ours", 60)).unwrap();
    assert!(matches!(fake.poll(&handle), Ok(Progress::Done)));
    fake.cleanup(&record("another", 60), &handle).unwrap();
    fake.cleanup(&TxtRecord { fqdn: "absent.example.com".into(), ..record("x", 1) }, "").unwrap();
    assert_eq!(fake.writes.get(), 0);
}

#[test]
fn a_race_is_read_again_and_loses_nothing() {
    let fake = Fake { races: Cell::new(2), ..Fake::default() };
    fake.present(&record("ours", 60)).unwrap();
    assert_eq!(fake.values(FQDN).unwrap(), ["\"other1\"", "\"other0\"", "\"ours\""]);
    fake.races.set(1);
    fake.cleanup(&record("ours", 60), "").unwrap();
    assert_eq!(fake.values(FQDN).unwrap(), ["\"other1\"", "\"other0\"", "\"other0\""]);
}

#[test]
fn an_endless_race_is_told() {
    let fake = Fake { races: Cell::new(u32::MAX), ..Fake::default() };
    assert!(matches!(fake.present(&record("ours", 60)), Err(Error::Unavailable(_))));
    assert_eq!(fake.writes.get(), ATTEMPTS);
}

#[test]
fn a_change_is_polled_by_its_handle() {
    let fake = Fake::default();
    let handle = fake.present(&record("ours", 60)).unwrap();
    assert!(matches!(fake.poll(&handle), Ok(Progress::Pending(5))));
    assert!(matches!(fake.poll(""), Ok(Progress::Done)));
}

#[test]
fn a_check_proves_and_leaves_nothing() {
    let fake = Fake::default();
    let report = fake.check(None, &context()).unwrap();
    assert!(report.summary.contains("_acme-challenge.bursar-probe.example.com"), "{}", report.summary);
    assert_eq!(fake.writes.get(), 2);
    assert!(fake.sets.borrow().is_empty());
    let report = fake.check(Some("app.example.com"), &context()).unwrap();
    assert!(report.details.contains("_acme-challenge.bursar-probe.app.example.com"), "{}", report.details);
}

#[test]
fn a_record_left_by_a_check_is_made_anew() {
    let name = "_acme-challenge.bursar-probe.example.com";
    let fake = Fake::with(name, &["\"bursar-probe-0707070707070707\"", "\"foreign\""], 60);
    fake.check(None, &context()).unwrap();
    assert_eq!(fake.values(name).unwrap(), ["\"foreign\""]);
    assert_eq!(fake.writes.get(), 3);
}

#[test]
fn a_policy_that_allows_one_name_is_checked_at_that_name() {
    let fake = Fake { denied_below: Some(FQDN), ..Fake::default() };
    let narrow = Fake { denied_below: Some("example.com"), ..Fake::default() };
    assert!(fake.check(Some(FQDN), &context()).is_ok());
    assert!(matches!(narrow.check(Some(FQDN), &context()), Err(Error::Denied(_))));
}

fn record(value: &str, ttl_seconds: u32) -> TxtRecord {
    TxtRecord { fqdn: FQDN.into(), zone_hint: None, value: value.into(), ttl_seconds }
}

fn context() -> Context {
    Context { name: "dns".into(), version: 1, seed: vec![7; 32], options: "{}".into() }
}

const FQDN: &str = "_acme-challenge.example.com";
