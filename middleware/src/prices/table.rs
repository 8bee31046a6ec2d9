//! The table of prices: what is shipped, and what a user states.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::{names, provider as canonical};
use super::{ModelPrice, PerMillion};

/// Prices by model, as a user states them: `my-model` at any provider, `openai/gpt-4o` at one. Each replaces the whole
/// entry of the shipped table.
///
/// ```
/// use belvedere_middleware::prices::{Overrides, PriceTable};
///
/// let stated: Overrides = serde_json::from_str(r#"{"my-model": {"input": "0.15", "output": "0.60"}}"#)?;
/// let table = PriceTable::with(stated);
/// assert!(table.price("my-host", "my-model").is_some());
/// assert!(table.price("my-host", "their-model").is_none(), "unknown is not free");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Overrides(pub BTreeMap<String, ModelPrice>);

/// Prices by provider and model.
///
/// Names are compared without regard to case. They may carry a provider before a slash, a date, a region, a resource path:
/// the fullest form that is in the table counts. A model that is not in it has no price.
#[derive(Debug, Default)]
pub struct PriceTable {
    /// By provider, then by model, in lower case.
    shipped: Option<&'static Shipped>,
    stated: HashMap<String, ModelPrice>,
}

/// Its keys are ours, so a plain hash will do.
type Shipped = FxHashMap<&'static str, FxHashMap<&'static str, ModelPrice>>;

/// The prices of July to November 2026 that this version ships; its head says where they come from.
const TABLE: &str = include_str!("table.txt");

static SHIPPED: LazyLock<Shipped> = LazyLock::new(|| {
    let mut table = Shipped::default();
    for (provider, model, price) in lines().filter_map(entry) {
        table.entry(provider).or_default().insert(model, price);
    }
    table
});

fn lines() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Provider, model and price of a line: `openai/gpt-4o input=2.5 output=10`.
fn entry(line: &'static str) -> Option<(&'static str, &'static str, ModelPrice)> {
    let (key, fields) = line.split_once(' ')?;
    let (provider, model) = key.split_once('/')?;
    Some((provider, model, ModelPrice::from_line(fields)?))
}

impl PriceTable {
    /// The table that is shipped. It is parsed at its first use.
    pub fn shipped() -> &'static PriceTable {
        static TABLE: LazyLock<PriceTable> = LazyLock::new(|| PriceTable::with(Overrides::default()));
        &TABLE
    }

    /// The shipped table, with these prices before it.
    pub fn with(stated: Overrides) -> Self {
        PriceTable { shipped: Some(&SHIPPED), ..PriceTable::only(stated) }
    }

    /// These prices and no others.
    pub fn only(stated: Overrides) -> Self {
        let stated = stated.0.into_iter().map(|(name, price)| (name.to_lowercase(), price)).collect();
        PriceTable { shipped: None, stated }
    }

    /// What a model costs at a provider; `None` when the table does not know, which is not the same as free.
    ///
    /// A provider that is not in the table, such as a gateway, is looked through: the model's own prefix names the
    /// provider then, as in `anthropic/claude-sonnet-4-5`.
    pub fn price(&self, provider: &str, model: &str) -> Option<&ModelPrice> {
        let model = lower(model);
        let provider = canonical(provider);
        if !self.stated.is_empty()
            && let Some(price) = self.stated(provider, &model)
        {
            return Some(price);
        }
        self.shipped.and_then(|shipped| find(shipped, provider, &model))
    }

    fn stated(&self, provider: &str, model: &str) -> Option<&ModelPrice> {
        names(model).find_map(|name| {
            let own = format!("{provider}/{name}");
            self.stated.get(&own).or_else(|| self.stated.get(name))
        })
    }
}

fn lower(name: &str) -> Cow<'_, str> {
    match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_lowercase()),
        false => Cow::Borrowed(name),
    }
}

fn find(shipped: &'static Shipped, provider: &str, model: &str) -> Option<&'static ModelPrice> {
    let of = |provider: &str, model: &str| {
        let models = shipped.get(provider)?;
        names(model).find_map(|name| models.get(name))
    };
    let named = || {
        let (prefix, rest) = model.split_once('/')?;
        let prefix = canonical(prefix);
        // A provider of its own right has its own prices for another's models.
        (prefix == provider || !shipped.contains_key(provider)).then(|| of(prefix, rest)).flatten()
    };
    match model.strip_suffix(":free") {
        // OpenRouter, "Model variants": `:free` models cost nothing. Elsewhere that is unknown.
        Some(_) if provider == "openrouter" => Some(&FREE),
        Some(_) => of(provider, model),
        None => of(provider, model).or_else(named),
    }
}

/// Known to be free, which is not unknown.
static FREE: LazyLock<ModelPrice> = LazyLock::new(|| {
    let nothing = PerMillion::parse("0");
    ModelPrice { input: nothing, output: nothing, ..ModelPrice::default() }
});

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
