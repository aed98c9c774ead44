//! Tries imports.
use mixq_build::engine::import::foreign;
use std::path::Path;
fn main() {
    for path in std::env::args().skip(1) {
        let path = Path::new(&path);
        match foreign::read(path) {
            Err(error) => {
                println!("REFUSED {}", path.display());
                for p in error.problems.iter().take(12) {
                    println!("    {} | {:?}", p.message, p.help);
                }
            }
            Ok(foreign) => {
                let name = format!("{}.npz", path.file_name().unwrap().to_str().unwrap());
                let golden = match std::env::var("GOLDEN") {
                    Ok(folder) => Path::new(&folder).join(&name),
                    Err(_) => path.parent().unwrap().parent().unwrap().join("golden").join(&name),
                };
                print!(
                    "ok {} layers {}",
                    path.file_name().unwrap().to_str().unwrap(),
                    foreign.graph.nodes.len()
                );
                if golden.exists() {
                    let arrays = mixq_build::engine::dataset::npz_numbers(&golden).unwrap();
                    let start = std::time::Instant::now();
                    let Some(out) =
                        foreign.execute(&arrays["in0"].iter().map(|x| *x as f32).collect::<Vec<_>>())
                    else {
                        println!(" TAIL unknown");
                        continue;
                    };
                    for (i, (out, grid)) in out.iter().enumerate() {
                        let out = out.to_floats();
                        let Some(want) = arrays.get(&format!("out{i}")) else {
                            print!(" out{i} missing");
                            continue;
                        };
                        if want.len() != out.len() {
                            print!(" LEN {} {}", want.len(), out.len());
                            continue;
                        }
                        let (scale, zero) = grid
                            .as_ref()
                            .map_or((1.0, 0.0), |g| (g.scales[0] as f64, g.zero_points[0] as f64));
                        let want: Vec<f64> = want.iter().map(|v| (v - zero) * scale).collect();
                        let (lo, hi) =
                            want.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
                        let diff =
                            want.iter().zip(out).map(|(a, b)| (a - b as f64).abs()).fold(0.0, f64::max);
                        print!(
                            " diff{i} {:.2e} of {:.3} codes {:.1}",
                            diff / if hi > lo { hi - lo } else { hi.abs() },
                            hi - lo,
                            diff / scale
                        );
                    }
                    println!(" {:?} tail {}", start.elapsed(), !foreign.lowered.tail.is_empty());
                } else {
                    println!(" no golden");
                }
            }
        }
    }
}
