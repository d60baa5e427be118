use proptest::prelude::*;

use super::*;

const SERVICES: [Service; 4] = [Service::Order, Service::Inventory, Service::Payment, Service::Shipping];

fn at(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_790_000_000_000 + millis).expect("a time")
}

fn row(id: i64, event: Option<u128>, cause: Option<u128>, emitted: &[u128], millis: i64) -> LogRow {
    let emitted = emitted
        .iter()
        .map(|id| Emitted {
            event_id: Some(Uuid::from_u128(*id)),
            event_type: "some.event".to_owned(),
            resent: false,
        })
        .collect();
    LogRow {
        id,
        event_type: "some.event".to_owned(),
        status: "completed".to_owned(),
        note: String::new(),
        input: "some.event".to_owned(),
        event_id: event.map(Uuid::from_u128),
        causation_id: cause.map(Uuid::from_u128),
        correlation_id: Uuid::nil(),
        emitted,
        created_at: at(millis),
    }
}

fn names(entries: &[Entry]) -> Vec<(&'static str, i64, u32)> {
    entries.iter().map(|entry| (entry.service.name(), entry.id, entry.depth)).collect()
}

#[test]
fn a_saga_is_told_by_cause_although_every_clock_disagrees() {
    // The later a step, the earlier the clock of its service.
    let logs = vec![
        (Service::Shipping, vec![row(1, Some(5), None, &[], 0)]),
        (
            Service::Payment,
            vec![
                row(7, Some(1), None, &[], 10),
                row(8, Some(3), None, &[30], 11),
                row(9, None, Some(30), &[4], 12),
            ],
        ),
        (Service::Inventory, vec![row(3, Some(2), None, &[3], 100)]),
        (Service::Order, vec![row(1, None, None, &[1, 2], 1_000), row(2, Some(4), None, &[5], 1_001)]),
    ];
    let entries = merge(logs);
    let expected = [
        ("order", 1, 0),
        ("payment", 7, 1),
        ("inventory", 3, 1),
        ("payment", 8, 2),
        ("payment", 9, 3),
        ("order", 2, 4),
        ("shipping", 1, 5),
    ];
    assert_eq!(names(&entries), expected);
    assert_eq!(entries[6].caused_by, Some(EntryKey { service: Service::Order, id: 2 }));
}

#[test]
fn an_answer_belongs_to_where_its_question_was_asked() {
    // Inventory heard event 1 and said nothing, but armed a timer: the event, not its speaker, is
    // what the timer names.
    let logs = vec![
        (Service::Order, vec![row(1, None, None, &[1], 0)]),
        (Service::Inventory, vec![row(1, Some(1), None, &[], 1), row(2, None, Some(1), &[], 2)]),
    ];
    let entries = merge(logs);
    assert_eq!(entries[2].caused_by, Some(EntryKey { service: Service::Inventory, id: 1 }));
}

#[test]
fn what_a_missing_service_said_has_no_cause_and_is_still_told() {
    let entries = merge(vec![(Service::Shipping, vec![row(1, Some(5), None, &[], 0)])]);
    assert_eq!(names(&entries), [("shipping", 1, 0)]);
    assert_eq!(entries[0].caused_by, None);
}

#[test]
fn logs_that_cause_each_other_are_told_once_and_end() {
    let logs = vec![
        (Service::Order, vec![row(1, Some(2), None, &[1], 5)]),
        (Service::Payment, vec![row(1, Some(1), None, &[2], 6)]),
    ];
    assert_eq!(names(&merge(logs)), [("order", 1, 0), ("payment", 1, 1)]);
}

#[test]
fn an_event_said_again_is_no_new_cause() {
    let mut again = row(2, None, None, &[1], 1);
    again.emitted[0].resent = true;
    let logs = vec![
        (Service::Order, vec![row(1, None, None, &[1], 0), again]),
        (Service::Payment, vec![row(1, Some(1), None, &[], 9)]),
    ];
    let entries = merge(logs);
    let payment = entries.iter().find(|entry| entry.service == Service::Payment).expect("it is there");
    assert_eq!(payment.caused_by, Some(EntryKey { service: Service::Order, id: 1 }));
}

/// One step of an invented saga: where it happens, which earlier step led to it, how wrong the clock is.
type Step = (usize, Option<prop::sample::Index>, i64);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step =
        (0..SERVICES.len(), prop::option::weighted(0.9, any::<prop::sample::Index>()), -5_000..5_000_i64);
    prop::collection::vec(step, 1..40)
}

/// What the services have in their logs.
type Logs = Vec<(Service, Vec<LogRow>)>;

/// A saga as it can really happen: each step says one event, each but the first may hear one.
fn saga(steps: &[Step]) -> (Logs, Vec<(EntryKey, Option<EntryKey>)>) {
    let mut logs: BTreeMap<Service, Vec<LogRow>> = BTreeMap::new();
    let mut story: Vec<(EntryKey, Option<EntryKey>)> = Vec::new();
    for (number, (service, cause, skew)) in steps.iter().enumerate() {
        let service = SERVICES[*service];
        let cause = cause.filter(|_| number > 0).map(|index| index.index(number));
        let log = logs.entry(service).or_default();
        let id = i64::try_from(log.len()).expect("few") * 3 + 1;
        let heard = cause.map(|cause| cause as u128 + 1);
        log.push(row(id, heard, None, &[number as u128 + 1], *skew));
        story.push((EntryKey { service, id }, cause.map(|cause| story[cause].0)));
    }
    (logs.into_iter().collect(), story)
}

/// Rows of any kind, whose causes may run in circles.
fn nonsense() -> impl Strategy<Value = Logs> {
    let id = prop::option::of(1..12_u128);
    let some =
        (0..SERVICES.len(), 0..20_i64, id.clone(), id, prop::collection::vec(1..12_u128, 0..3), 0..5_i64);
    prop::collection::vec(some, 0..30).prop_map(|rows| {
        let mut logs: BTreeMap<Service, BTreeMap<i64, LogRow>> = BTreeMap::new();
        for (service, id, event, cause, emitted, millis) in rows {
            let log = logs.entry(SERVICES[service]).or_default();
            log.insert(id, row(id, event, cause, &emitted, millis));
        }
        logs.into_iter().map(|(service, log)| (service, log.into_values().collect())).collect()
    })
}

proptest! {
    #[test]
    fn every_cause_of_a_real_saga_is_found_and_stands_before_its_effect(steps in steps()) {
        let (logs, story) = saga(&steps);
        let entries = merge(logs);
        prop_assert_eq!(entries.len(), story.len());
        let place: HashMap<EntryKey, usize> = entries.iter().enumerate()
            .map(|(place, entry)| (EntryKey { service: entry.service, id: entry.id }, place))
            .collect();
        for (key, cause) in story {
            let told = &entries[place[&key]];
            prop_assert_eq!(told.caused_by, cause);
            match cause {
                Some(cause) => {
                    prop_assert!(place[&cause] < place[&key]);
                    prop_assert_eq!(told.depth, entries[place[&cause]].depth + 1);
                }
                None => prop_assert_eq!(told.depth, 0),
            }
        }
        for service in SERVICES {
            let ids: Vec<i64> = entries.iter().filter(|e| e.service == service).map(|e| e.id).collect();
            prop_assert!(ids.is_sorted());
        }
    }

    #[test]
    fn whatever_the_logs_say_each_entry_is_told_once_behind_its_cause(logs in nonsense()) {
        let mut expected: Vec<EntryKey> = logs.iter()
            .flat_map(|(service, rows)| rows.iter().map(|row| EntryKey { service: *service, id: row.id }))
            .collect();
        let mut told: Vec<EntryKey> = Vec::new();
        for entry in merge(logs) {
            prop_assert!(entry.caused_by.is_none_or(|cause| told.contains(&cause)));
            told.push(EntryKey { service: entry.service, id: entry.id });
        }
        expected.sort_unstable();
        told.sort_unstable();
        prop_assert_eq!(told, expected);
    }

    #[test]
    fn it_does_not_matter_in_which_order_the_logs_arrive(logs in nonsense(), seed in any::<u64>()) {
        let told = merge(logs.clone());
        let mut shuffled = logs;
        shuffled.sort_by_key(|(service, _)| (service.name().len() as u64 ^ seed).wrapping_mul(seed | 1));
        for (_, rows) in &mut shuffled {
            rows.sort_by_key(|row| (row.id.unsigned_abs() ^ seed).wrapping_mul(seed | 1));
        }
        prop_assert_eq!(merge(shuffled), told);
    }
}
