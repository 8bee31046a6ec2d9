//! What a usage costs, and what a call may cost.

use belvedere_core::usage::{Class, Money, Picos, Price, Usage};

use super::ModelPrice;

/// What a call may cost before it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// At least: the whole prompt comes from the cache, and nothing is answered.
    pub low: Money,
    /// At most; `None` where nothing bounds the answer.
    pub high: Option<Money>,
}

/// The prices that hold for one call: those of a long prompt before those of its service tier.
#[derive(Clone, Copy)]
struct Sheet<'a> {
    above: Option<&'a ModelPrice>,
    base: &'a ModelPrice,
}

impl Sheet<'_> {
    fn stated(&self, class: &Class) -> Option<Price> {
        self.above.and_then(|above| above.stated(class)).or_else(|| self.base.stated(class))
    }

    /// The price of a class, its own or the one of the class it is billed as.
    fn price(&self, class: &Class) -> Option<Price> {
        self.stated(class).or_else(|| self.stated(&billed_as(class)?))
    }
}

/// The class that a class without a price of its own is billed as.
fn billed_as(class: &Class) -> Option<Class> {
    match class {
        Class::Reasoning => Some(Class::Output),
        Class::CacheRead | Class::ImageInput | Class::VideoInput | Class::ToolPrompt => Some(Class::Input),
        _ => None,
    }
}

impl ModelPrice {
    /// What a usage costs; `None` when that is unknown: nothing was counted, or tokens were used that have no price.
    /// It is a function of the whole usage, because a long prompt or another service tier changes every price.
    ///
    /// Calls of tools without a price are left out: they are billed beside the model. State `web_search_calls` to have
    /// them in.
    ///
    /// ```
    /// use belvedere_core::usage::{Class, Usage};
    /// use belvedere_middleware::prices::PriceTable;
    ///
    /// let mut usage = Usage::default();
    /// usage.set(Class::Input, Some(1_000));
    /// usage.set(Class::Output, Some(500));
    /// let price = PriceTable::shipped().price("openai", "gpt-4o-mini").expect("it is in the table");
    /// assert_eq!(price.cost(&usage).expect("all is priced").to_string(), "$0.00045");
    /// ```
    pub fn cost(&self, usage: &Usage) -> Option<Money> {
        self.exact_cost(usage).map(Picos::round)
    }

    /// The same before it is rounded to nano-dollars.
    pub fn exact_cost(&self, usage: &Usage) -> Option<Picos> {
        let sheet = self.sheet(service(usage), usage.input_tokens().unwrap_or(0))?;
        if usage.classes.is_empty() {
            return None;
        }
        let mut sum = Picos::default();
        for (class, count) in usage.classes.iter().filter(|(_, count)| **count > 0) {
            match sheet.price(class) {
                Some(price) => sum = sum.plus(price.of(*count)),
                None if class.is_tokens() => return None,
                None => {}
            }
        }
        Some(sum)
    }

    /// What a call of so many input tokens may cost; `None` when its text has no price. The answer is bounded by
    /// `max_output` and by what the model can write.
    pub fn estimate(&self, input_tokens: u64, max_output: Option<u64>) -> Option<Interval> {
        let sheet = self.sheet(None, input_tokens)?;
        let read = sheet.price(&Class::Input)?;
        let cached = sheet.price(&Class::CacheRead).unwrap_or(read).min(read);
        let low = cached.of(input_tokens).round();
        Some(Interval { low, high: self.upper(input_tokens, max_output) })
    }

    /// The most that a call of so many input tokens can cost; `None` when that is unknown.
    ///
    /// The prompt counts as written to the cache where that is dearer, because some providers do so unasked. A cache of
    /// one hour, audio, and calls of the provider's own tools have to be asked for: they are not in it.
    pub fn upper(&self, input_tokens: u64, max_output: Option<u64>) -> Option<Money> {
        let sheet = self.sheet(None, input_tokens)?;
        let read = sheet.price(&Class::Input)?;
        let dearest = sheet.price(&Class::CacheWrite5m).unwrap_or(read).max(read);
        let free = Price::default();
        let written = match sheet.price(&Class::Output) {
            // An embedding: nothing is written that costs.
            Some(output) if output == free && sheet.price(&Class::Reasoning) == Some(free) => {
                Picos::default()
            }
            price => {
                let output = [max_output, self.max_output].into_iter().flatten().min()?;
                price?.max(sheet.price(&Class::Reasoning)?).of(output)
            }
        };
        Some(dearest.of(input_tokens).plus(written).round())
    }

    /// The prices for a service tier and a length of prompt; `None` when the tier has no prices.
    fn sheet(&self, service: Option<&str>, input_tokens: u64) -> Option<Sheet<'_>> {
        let base = match service {
            Some(name) => self.services.get(name)?,
            None => self,
        };
        let above = base.above.range(..super::Above(input_tokens)).next_back().map(|(_, price)| price);
        Some(Sheet { above, base })
    }
}

/// The service tier that a usage names, if it is not the usual one. Anthropic and OpenAI write `service_tier`, Google
/// `serviceTier`.
fn service(usage: &Usage) -> Option<&str> {
    let tier = ["service_tier", "serviceTier"].iter().find_map(|key| usage.raw.get(*key)?.as_str())?;
    match tier {
        "standard" | "default" | "auto" | "on_demand" => None,
        other => Some(other),
    }
}

#[cfg(test)]
#[path = "bill_tests.rs"]
mod tests;
