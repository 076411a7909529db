// SPDX-License-Identifier: LGPL-2.1-or-later
// The seed's pipeline, written anew as a yardstick: PTY -> lines -> serde_json value -> broadcast(1024) -> one subscriber that
// writes each event as JSON to a file. Prints MB/s and how many events the subscriber missed. usage: seedbench FILE CMD [ARG...]
use std::io::{BufRead, BufReader, Write};
use std::os::fd::FromRawFd;
use std::os::unix::process::CommandExt;
use tokio::sync::broadcast;
#[derive(Clone)]
enum Event { Output(String), Json(serde_json::Value) }
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let rt = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let (mut m, mut s) = (0, 0);
    let mut ws = libc::winsize { ws_row: 50, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
    unsafe { libc::openpty(&mut m, &mut s, std::ptr::null_mut(), std::ptr::null_mut(), &mut ws); }
    let (tx, mut rx) = broadcast::channel::<Event>(1024);
    let start = std::time::Instant::now();
    let mut c = std::process::Command::new(&a[2]);
    c.args(&a[3..]).stdin(unsafe { std::process::Stdio::from_raw_fd(libc::dup(s)) }).stdout(unsafe { std::process::Stdio::from_raw_fd(libc::dup(s)) });
    unsafe { c.pre_exec(|| { libc::setsid(); libc::ioctl(0, libc::TIOCSCTTY, 0); Ok(()) }); }
    let mut child = c.spawn().unwrap();
    unsafe { libc::close(s); }
    drop(c);
    let out = a[1].clone();
    let sub = rt.spawn(async move {
        let mut f = std::io::BufWriter::new(std::fs::File::create(out).unwrap());
        let (mut n, mut lost) = (0u64, 0u64);
        loop {
            match rx.recv().await {
                Ok(Event::Output(t)) => { n += 1; serde_json::to_writer(&mut f, &serde_json::json!({"type":"output","story_id":"s","agent_name":"a","text":t})).unwrap(); f.write_all(b"\n").unwrap(); }
                Ok(Event::Json(v)) => { n += 1; serde_json::to_writer(&mut f, &serde_json::json!({"type":"agent_json","story_id":"s","agent_name":"a","data":v})).unwrap(); f.write_all(b"\n").unwrap(); }
                Err(broadcast::error::RecvError::Lagged(k)) => lost += k,
                Err(_) => break,
            }
        }
        f.flush().unwrap();
        (n, lost)
    });
    let mut bytes = 0usize;
    let mut log: Vec<Event> = Vec::new();
    let r = BufReader::new(unsafe { std::fs::File::from_raw_fd(m) });
    for line in r.lines() {
        let line = match line { Ok(l) => l, Err(_) => break };
        bytes += line.len() + 1;
        let t = line.trim();
        if t.is_empty() { continue; }
        let e = match serde_json::from_str(t) { Ok(v) => Event::Json(v), Err(_) => Event::Output(t.to_string()) };
        log.push(e.clone());
        let _ = tx.send(e);
    }
    drop(tx);
    let _ = child.wait();
    let (n, lost) = rt.block_on(sub).unwrap();
    let d = start.elapsed().as_secs_f64();
    let mut u: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut u); }
    println!("{:.1} MB/s, {} events delivered, {} lost, {:.1} MB peak, {:.2} cpu s", bytes as f64 / 1e6 / d, n, lost, u.ru_maxrss as f64 / 1e3, (u.ru_utime.tv_sec + u.ru_stime.tv_sec) as f64 + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) as f64 / 1e6);
}
