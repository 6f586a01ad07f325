use earthworm_wire::request::*;
use kubectl_earthworm::cluster::*;
use kubectl_earthworm::signal::NodeId;
use kubectl_earthworm::stop;
use std::sync::Arc;
use std::time::Duration;
fn main() {
    let rt =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    rt.block_on(async {
        let cluster =
            connect::connect(&Default::default()).await.map_err(|p| panic!("{p:?}")).unwrap();
        let node = std::env::args().nth(1).unwrap();
        let secs: u64 = std::env::args().nth(2).unwrap().parse().unwrap();
        let (found, missing) =
            nodes::select(&cluster, &nodes::Selection::Named(vec![node.clone()])).await.unwrap();
        eprintln!("{missing:?}");
        let clock = reporter::Clock::start();
        let (tx, mut rx) = tokio::sync::mpsc::channel(1000);
        let rep = reporter::Reporter::new(
            clock,
            NodeId { cluster: "c".into(), node: node.as_str().into() },
            tx.clone(),
        );
        let (stopper, stop) = stop::pair();
        let ctx = Arc::new(session::Context {
            namespace: cluster.namespace.clone(),
            session: names::SessionId::random().unwrap(),
            image: None,
            profile: None,
            lifetime: Duration::from_secs(600),
            registry: Default::default(),
            cluster,
        });
        let req = if std::env::args().nth(3).is_some() {
            Request::Generate(GenerateRequest { records: 2_000_000 })
        } else {
            Request::Pulse(PulseRequest { node: node.clone() })
        };
        let p = found
            .into_iter()
            .map(|facts| session::Patient { facts, reporter: rep.clone(), request: req.clone() })
            .collect();
        drop((tx, rep));
        let h = tokio::spawn(session::run(ctx, p, stop));
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(secs)).await;
            stopper.stop();
        });
        let mut n = 0u64;
        while let Some(s) = rx.recv().await {
            if let kubectl_earthworm::signal::SignalKind::Probe(
                earthworm_wire::record::Record::Generated(_),
            ) = s.kind
            {
                n += 1;
                if n % 500_000 == 0 {
                    println!("{:.3} generated {n}", s.at.monotonic.as_secs_f64());
                }
                continue;
            }
            println!("{:.3} {:?}", s.at.monotonic.as_secs_f64(), s.kind);
        }
        h.await.unwrap();
    });
}
