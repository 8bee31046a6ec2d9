//! Reloads: all or nothing (O1), one writer (O2), one generation a call (O3, W16), and what is replaced lives until its
//! calls end (O4).

mod laws;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::client::Client;
use crate::context::{Context, Lent};
use crate::credentials::Secret;
use crate::event::{Event, Finish};
use crate::events::Events;
use crate::layer::Layer;
use crate::request::Request;
use crate::service::{Info, Service, Stack};
use crate::store::MemoryStore;
use crate::testing::Simulation;

const SECOND: Duration = Duration::from_secs(1);

/// A provider that answers with its name and its key, a second for each word.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    #[serde(default)]
    key: Option<Secret>,
    #[serde(skip)]
    alive: Arc<()>,
}

#[async_trait]
impl Service for Named {
    fn info(&self) -> Info {
        Info::new("named", "named").with_model(Some(self.name.as_str().into()))
    }

    async fn call(&self, cx: Context, _: Request) -> Result<Events> {
        cx.lent.clock.sleep(SECOND).await;
        let key = self.key.as_ref().map_or("none", Secret::expose);
        let text = |delta: String| Event::Text { choice: 0, part: 0, delta: delta.into() };
        let events = [
            Event::Start { id: None, model: Some(self.name.as_str().into()) },
            text(format!("{} ", self.name)),
            text(key.to_owned()),
            Event::PartEnd { choice: 0, part: 0 },
            Event::Finish { choice: 0, finish: Finish::default() },
        ];
        let (clock, alive) = (cx.lent.clock.clone(), self.alive.clone());
        Ok(Events::new(futures_util::stream::iter(events).then(move |event| {
            // As a driver's stream holds its provider.
            let (waits, _alive) = (clock.sleep(SECOND), alive.clone());
            async move {
                waits.await;
                Ok(event)
            }
        })))
    }
}

/// A layer that asks twice and gives the second answer, and whose loan says of which document it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Twice {
    name: String,
    /// How many calls were asked, over all generations.
    #[serde(skip)]
    asked: Arc<AtomicUsize>,
    /// How often anybody adopted it.
    #[serde(skip)]
    adopted: Arc<AtomicUsize>,
}

impl Layer for Twice {
    fn layer(&self, inner: Stack) -> Stack {
        Stack::new(TwiceService { name: self.name.clone(), asked: self.asked.clone(), inner })
    }

    fn equip(&self, lent: Lent) -> Lent {
        Lent { entropy: Arc::new(Marked(self.name.clone())), ..lent }
    }

    fn adopt(&mut self, previous: &dyn Layer) {
        if let Some(previous) = (previous as &dyn Any).downcast_ref::<Twice>() {
            self.asked = previous.asked.clone();
            self.adopted = previous.adopted.clone();
            self.adopted.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// Randomness of one document.
#[derive(Debug)]
struct Marked(String);

impl crate::entropy::Entropy for Marked {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.len() as u8);
    }
}

#[derive(Debug)]
struct TwiceService {
    name: String,
    asked: Arc<AtomicUsize>,
    inner: Stack,
}

#[async_trait]
impl Service for TwiceService {
    fn info(&self) -> Info {
        self.inner.info()
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        self.asked.fetch_add(1, Ordering::AcqRel);
        let mark = format!("{:?}", cx.lent.entropy);
        assert!(mark.contains(&format!("{:?}", self.name)), "{mark} is not lent by {}", self.name);
        drop(self.inner.call(cx.clone(), request.clone()).await?);
        let answer = self.inner.call(cx, request).await?.collect().await?;
        assert!(answer.text().starts_with(&self.name), "{} is answered by {}", self.name, answer.text());
        Ok(answer.into_events())
    }
}

/// A layer that can't be built where the document says so.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fragile {
    breaks: Breaks,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Breaks {
    Never,
    WithAnError,
    WithAPanic,
}

impl Layer for Fragile {}

impl Fragile {
    fn built(self) -> Result<Self> {
        match self.breaks {
            Breaks::Never => Ok(self),
            Breaks::WithAnError => Err(Error::new(ErrorKind::ConfigInvalid, "breaks: with an error")),
            Breaks::WithAPanic => panic!("breaks with a panic"),
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kept {
    size: u32,
}

/// A registry, the variables of its environment, and the providers that are alive.
struct Bench {
    simulation: Simulation,
    registry: Registry,
    env: Arc<Mutex<BTreeMap<&'static str, String>>>,
    providers: Arc<Mutex<Vec<Weak<()>>>>,
}

impl Bench {
    fn new() -> Self {
        let simulation = Simulation::new(1);
        let env = Arc::<Mutex<BTreeMap<&'static str, String>>>::default();
        let providers = Arc::<Mutex<Vec<Weak<()>>>>::default();
        let (known, alive) = (env.clone(), providers.clone());
        let mut registry = Registry::new().with_env(move |name| known.lock().ok()?.get(name).cloned());
        registry.provider("named", move |named: Named, _| {
            if named.name.is_empty() {
                return Err(Error::new(ErrorKind::ConfigInvalid, "name: is empty"));
            }
            alive.lock().unwrap().push(Arc::downgrade(&named.alive));
            Ok(named)
        });
        registry.layer::<Twice>("twice");
        registry.layer_from("fragile", |fragile: Fragile, _| fragile.built());
        let clock = simulation.clock.clone();
        registry.store("kept", move |kept: Kept, _| match kept.size {
            0 => Err(Error::new(ErrorKind::ConfigInvalid, "size: must be more than 0")),
            _ => Ok(MemoryStore::new(Arc::new(clock.clone()))),
        });
        Bench { simulation, registry, env, providers }
    }

    fn set(&self, name: &'static str, value: &str) {
        self.env.lock().unwrap().insert(name, value.to_owned());
    }

    fn client(&self, document: Value) -> Client {
        self.registry.client_with(&document.into(), self.simulation.lent()).unwrap()
    }

    fn try_reload(&self, client: &Client, document: Value) -> Result<u64> {
        self.registry.reload(client, &document.into(), client.generation())
    }

    fn reload(&self, client: &Client, document: Value) -> u64 {
        self.try_reload(client, document).unwrap()
    }

    /// How many providers are alive.
    fn alive(&self) -> usize {
        self.providers.lock().unwrap().iter().filter(|provider| provider.upgrade().is_some()).count()
    }

    fn ask(&self, client: &Client) -> String {
        self.simulation.run(client.complete("hi")).unwrap().text()
    }
}
