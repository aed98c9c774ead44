//! How long processes have computed, on all their threads: unlike the time that passes, this does not depend
//! on who else uses the machine.

/// Microseconds that this process has computed.
#[cfg(unix)]
pub fn own() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    u64::try_from(time.tv_sec * 1_000_000 + time.tv_nsec / 1000).unwrap_or(0)
}

/// Nothing is known.
#[cfg(not(unix))]
pub fn own() -> u64 {
    0
}

/// Whether a process waits for something else than a processor or a disk: none of its threads is ready to
/// run. It is not known everywhere; then it is taken to wait.
pub fn waits(process: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{process}/task"));
    let stats = threads.into_iter().flatten().flatten().map(|thread| thread.path().join("stat"));
    let is_busy = |stat: String| {
        let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next());
        matches!(state, Some("R" | "D"))
    };
    !stats.filter_map(|path| std::fs::read_to_string(path).ok()).any(is_busy)
}

/// Microseconds that a process has computed; `None` where only the time that passes is known.
pub fn of(process: u32) -> Option<u64> {
    // Linux counts in hundredths of a second here, whatever its clock.
    const MICROS_A_TICK: u64 = 10_000;
    let line = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Behind the name, which may hold anything: the state, ten numbers, ticks of the program and of the
    // system.
    let (_, numbers) = line.rsplit_once(')')?;
    let mut ticks = numbers.split_whitespace().skip(11).map_while(|number| number.parse::<u64>().ok());
    Some(MICROS_A_TICK * (ticks.next()? + ticks.next()?))
}
