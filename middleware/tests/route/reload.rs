//! What outlives a reload.

use std::sync::atomic::{AtomicUsize, Ordering};

use belvedere_core::layer::Layer;
use belvedere_core::service::Stack;

use super::*;

/// A layer that counts its reloads.
#[derive(Debug, Default)]
struct Counts(Arc<AtomicUsize>);

impl Layer for Counts {
    fn adopt(&mut self, previous: &dyn Layer) {
        if let Some(before) = (previous as &dyn std::any::Any).downcast_ref::<Counts>() {
            self.0 = before.0.clone();
            self.0.fetch_add(1, Ordering::AcqRel);
        }
    }
}

fn route(services: &[(&str, &ScriptedService)]) -> (Route, Arc<AtomicUsize>) {
    let counts = Arc::<AtomicUsize>::default();
    let all = services.iter().map(|(name, service)| target(name, service).layer(Counts(counts.clone())));
    let mut config = config(all.collect());
    (config.ejection, config.hedge) = (Some(Ejection::default()), Some(Hedge::default()));
    (Route::build(config).unwrap(), counts)
}

#[test]
fn targets_are_known_by_their_names_and_keep_what_is_known_of_them() {
    let simulation = Simulation::new(1);
    let ask = |stack: &Stack| simulation.run(stack.call(simulation.context(), "hi".into()));
    let a = ScriptedService::always(failing(ErrorKind::Overloaded));
    let b = ScriptedService::always(Answer::text("b"));
    let (before, counts) = route(&[("a", &a), ("b", &b)]);
    let stack = before.layer(Nowhere.into());
    (0..5).for_each(|_| drop(ask(&stack)));
    assert_eq!(a.calls(), 5);
    // In another order, with one more.
    let c = ScriptedService::always(Answer::text("c"));
    let (mut after, _) = route(&[("c", &c), ("a", &a), ("b", &b)]);
    after.adopt(&before);
    assert_eq!(counts.load(Ordering::Acquire), 2, "the layers of both targets took over");
    let stack = after.layer(Nowhere.into());
    c.push(failing(ErrorKind::Network));
    ask(&stack).unwrap();
    assert_eq!((a.calls(), c.calls()), (5, 1), "a is still left out");
    // Another name is another target.
    let (mut renamed, _) = route(&[("new", &a), ("b", &b)]);
    renamed.adopt(&before);
    ask(&renamed.layer(Nowhere.into())).unwrap();
    assert_eq!(a.calls(), 6);
}

#[test]
fn what_stands_inside_keeps_its_state_too() {
    let simulation = Simulation::new(1);
    let a = ScriptedService::always(failing(ErrorKind::Overloaded));
    let b = ScriptedService::always(Answer::text("b"));
    let (before, _) = route(&[("b", &b)]);
    let ask = |route: &Route| {
        let stack = route.layer(a.clone().into());
        simulation.run(stack.call(simulation.context(), "hi".into())).unwrap();
    };
    (0..6).for_each(|_| ask(&before));
    assert_eq!(a.calls(), 5);
    let (mut after, _) = route(&[("b", &b)]);
    after.adopt(&before);
    ask(&after);
    assert_eq!(a.calls(), 5);
}

#[test]
fn layers_of_a_target_equip_what_is_lent_to_it_alone() {
    use belvedere_core::context::Lent;
    use belvedere_core::testing::SeededEntropy;

    #[derive(Debug)]
    struct Seed(Arc<AtomicUsize>);

    impl Layer for Seed {
        fn equip(&self, lent: Lent) -> Lent {
            self.0.fetch_add(1, Ordering::AcqRel);
            Lent { entropy: Arc::new(SeededEntropy::new(42)), ..lent }
        }
    }

    #[derive(Debug)]
    struct Draws;

    #[async_trait]
    impl Service for Draws {
        fn info(&self) -> Info {
            Info::new("draws", "draws")
        }

        async fn call(&self, cx: Context, _: Request) -> Result<Events> {
            Err(failed(ErrorKind::Overloaded).with("drawn", cx.lent.entropy.next_u64().to_string()))
        }
    }

    let simulation = Simulation::new(7);
    let equipped = Arc::<AtomicUsize>::default();
    let mut all = vec![Target::new(Draws), Target::new(Draws).layer(Seed(equipped.clone()))];
    (all[0].name, all[1].name) = ("plain".into(), "seeded".into());
    let expected = belvedere_core::entropy::Entropy::next_u64(&SeededEntropy::new(42)).to_string();
    let client = client_of(&simulation, config(all));
    let error = complete(&simulation, &client).unwrap_err();
    assert!(error.context().contains(&("drawn", expected)), "{error}");
    complete(&simulation, &client).unwrap_err();
    assert_eq!(equipped.load(Ordering::Acquire), 1, "once, not for each call");
}
