//! Models whose bits are those of a quantised file.

use super::Prepared;
use crate::config::Model;
use crate::error::{Error, Problem};
use crate::memory::Allocation;
#[cfg(feature = "import")]
use mixq_format::Bits;

#[cfg(feature = "import")]
use crate::as_imported::AsImported;
#[cfg(feature = "import")]
use crate::import::{NetworkSource, foreign, lower::Reading};

/// Bytes of flash and RAM that a model's file takes.
#[cfg(feature = "import")]
pub(super) fn bytes(model: &Model) -> Result<[u64; 2], Error> {
    let allocation = taken(model)?.1.allocation(model.scheme, model.ram_in_execution());
    Ok([allocation.flash, allocation.ram])
}

#[cfg(not(feature = "import"))]
pub(super) fn bytes(model: &Model) -> Result<[u64; 2], Error> {
    Err(without_import(model).into())
}

#[cfg(not(feature = "import"))]
fn without_import(model: &Model) -> Problem {
    let message = format!("model `{}` has a network of another tool", model.name);
    Problem::new(message).help("build mixq-build with its feature `import`")
}

impl Prepared<'_> {
    /// The bits of the file, if they fit.
    #[cfg(feature = "import")]
    pub(super) fn allocate_as_imported(&self) -> Result<Allocation, Error> {
        let model = self.model;
        let allocation = taken(model)?.1.allocation(model.scheme, model.ram_in_execution());
        let mut problems = Vec::new();
        let budgets = [
            ("flash", allocation.flash, model.flash, &model.flash_at),
            ("RAM", allocation.ram, model.ram, &model.ram_at),
        ];
        for (what, needed, budget, at) in budgets {
            if needed > budget {
                let message = format!(
                    "model `{}`: needs {needed} B of {what} with the bits of its file, budget {budget} B",
                    model.name
                );
                let help = "leave `bits` out: then tensors get as many bits as fit";
                problems.push(Problem { location: at.clone(), ..Problem::new(message).help(help) });
            }
        }
        if problems.is_empty() { Ok(allocation) } else { Err(Error { problems }) }
    }

    #[cfg(not(feature = "import"))]
    pub(super) fn allocate_as_imported(&self) -> Result<Allocation, Error> {
        Err(without_import(self.model).into())
    }
}

/// A model's file, with its integers, for the model's task.
///
/// # Errors
/// What keeps it from being taken over as it is, with the place of `network`.
#[cfg(feature = "import")]
pub fn taken(model: &Model) -> Result<(foreign::Foreign, AsImported), Error> {
    let NetworkSource::File(path) = &model.network else {
        return Err(Problem::new(format!("model `{}` has no file", model.name)).into());
    };
    let reading = Reading { task: Some(model.dataset.task), ..Reading::AS_IT_IS };
    let read = || -> Result<_, Error> {
        let foreign = foreign::read_as(path, reading)?;
        let taken = AsImported::new(&foreign, model.scheme)?;
        let input = &taken.graph.inputs[0];
        let wanted = model.dataset.input_bits(&input.name).unwrap_or(Bits::B8);
        if input.bits != wanted {
            let bits = input.bits.count();
            let message = format!("the file's input has {bits} bits, the dataset's {}", wanted.count());
            let help = format!("write `bits` = {bits} in `input` of the dataset's table");
            return Err(Problem::new(message).help(help).into());
        }
        Ok((foreign, taken))
    };
    read().map_err(|error| {
        let located = |problem: Problem| Problem {
            message: format!("model `{}`: {}", model.name, problem.message),
            location: problem.location.or_else(|| model.network_at.clone()),
            ..problem
        };
        Error { problems: error.problems.into_iter().map(located).collect() }
    })
}
