//! Networks whose image cannot come in rows, or whose windows cannot overlap.

use mixq_format::Bits;

use crate::error::Problem;
use crate::graph::Graph;
use crate::memory::{no_hop, no_rows};
use crate::settings::Execution;

/// Checks that the image can come in rows, and windows overlap, if the setting asks for that, where tensors
/// have at most these bits. `who`: what the message calls the network.
///
/// # Errors
/// It cannot: which layer is why.
pub fn check(who: &str, graph: &Graph, execution: Execution, bits: Bits) -> Result<(), Problem> {
    let Execution::Rows { hop } = execution else { return Ok(()) };
    if let Some(reason) = no_rows(graph, bits) {
        let message = format!("{who}: its image cannot come in rows: {reason}");
        let help =
            "with execution = \"stripes\" the image lies in RAM whole, and other layers may work in rows";
        return Err(Problem::new(message).help(help));
    }
    match no_hop(graph, bits, hop) {
        Some([reason, help]) => {
            let message = format!("{who}: its windows cannot overlap with `hop` = {hop}: {reason}");
            Err(Problem::new(message).help(help))
        }
        None => Ok(()),
    }
}
