//! The tensors of a node.

/// A tensor of a node, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Weights, `[out, in, height, width]` or `[out, in]`; of constants `[1, channels, height, width]`.
    Weight,
    /// Constants that stay what the network brings, `[1, channels, height, width]`.
    Constant,
    /// Bias of a layer without batch norm.
    Bias,
    /// Scale of the batch norm.
    Gamma,
    /// Shift of the batch norm.
    Beta,
    /// Running mean; not trained.
    Mean,
    /// Running variance; not trained.
    Variance,
    /// Slopes of a PReLU, `[channels]`.
    Slope,
    /// Upper bound of the activation (PACT's alpha).
    High,
    /// Lower bound of an activation without ReLU.
    Low,
    /// Lower bound of per-layer weights.
    WeightLow,
    /// Upper bound of per-layer weights.
    WeightHigh,
    /// Logarithm of the learned step of weights: of one for all, or of one for each channel.
    WeightStep,
    /// Unsigned code of real 0 on a grid whose step is learned; not trained.
    WeightZero,
}

impl Part {
    const ALL: [Part; 14] = [
        Part::Weight,
        Part::Constant,
        Part::Bias,
        Part::Gamma,
        Part::Beta,
        Part::Mean,
        Part::Variance,
        Part::Slope,
        Part::High,
        Part::Low,
        Part::WeightLow,
        Part::WeightHigh,
        Part::WeightStep,
        Part::WeightZero,
    ];

    /// The name of this part of a node in checkpoints: `<node>.<part>`.
    pub fn name(self, node: &str) -> String {
        format!("{node}{}", self.suffix())
    }

    /// The part that a tensor of this name is.
    pub fn of(name: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| name.ends_with(part.suffix()))
    }

    /// Whether it is a quantiser's bound, which a float network does not have.
    pub fn is_bound(self) -> bool {
        match self {
            Part::High
            | Part::Low
            | Part::WeightLow
            | Part::WeightHigh
            | Part::WeightStep
            | Part::WeightZero => true,
            Part::Weight
            | Part::Constant
            | Part::Bias
            | Part::Gamma
            | Part::Beta
            | Part::Mean
            | Part::Variance
            | Part::Slope => false,
        }
    }

    /// How its name ends; no suffix is the end of another one.
    fn suffix(self) -> &'static str {
        match self {
            Part::Weight => ".weight",
            Part::Constant => ".constant",
            Part::Bias => ".bias",
            Part::Gamma => ".norm.gamma",
            Part::Beta => ".norm.beta",
            Part::Mean => ".norm.mean",
            Part::Variance => ".norm.variance",
            Part::Slope => ".slope",
            Part::High => ".activation.high",
            Part::Low => ".activation.low",
            Part::WeightLow => ".weight.low",
            Part::WeightHigh => ".weight.high",
            Part::WeightStep => ".weight.step",
            Part::WeightZero => ".weight.zero",
        }
    }
}

/// Whether a tensor of this name is a quantiser's bound.
pub fn is_bound(name: &str) -> bool {
    Part::of(name).is_some_and(Part::is_bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_parts_whatever_nodes_are_called() {
        for part in Part::ALL {
            for node in ["a", "a.weight", "norm", "weight.low"] {
                assert_eq!(Part::of(&part.name(node)), Some(part));
            }
        }
        assert_eq!(Part::of("weight"), None);
    }
}
