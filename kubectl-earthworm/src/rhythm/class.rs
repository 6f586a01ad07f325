//! The names of rhythms and of their causes.

/// The rhythm of one node's heart.
///
/// `I` is the renew interval (10 s unless configured), `g` the grace period
/// after which Kubernetes calls a silent node `Unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Not enough was seen to name a rhythm. Never to be read as healthy.
    Undetermined,
    /// One attempt per beat, on time, answered within a second.
    NormalSinus,
    /// Regular and slow: the median interval is more than 5 % too long.
    SinusBradycardia,
    /// Regular and fast: the median interval is more than 5 % too short.
    SinusTachycardia,
    /// A beat before its time: the interval is below 0.9 I, or it took two attempts or more.
    PrematureBeat,
    /// A beat after its time: the node slept for more than 1.2 I, the interval is at most 2 I.
    DelayedBeat,
    /// One attempt that succeeded after more than a second.
    FirstDegreeBlock,
    /// A beat now and then fails: the node tried, the control plane has nothing.
    SecondDegreeBlockTypeTwo,
    /// Beats were left out: the interval is above 2 I.
    MissedBeat,
    /// renewTime went back: the control plane ignores such renews until the
    /// node's clock has caught up (kubernetes#113081).
    Retrograde,
    /// No beat for more than 2.1 I.
    SuspectedFlatline,
    /// The node tries, and nothing has succeeded for more than g/2.
    ThirdDegreeBlock,
    /// No beat for more than g, or the kubelet is known to be stopped or dead.
    Asystole,
}

/// What a rhythm says about the node's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Nothing is known.
    Unknown,
    /// As it should be.
    Healthy,
    /// Worth a look; unhealthy when it is frequent.
    Notable,
    /// Unhealthy when it happens once.
    Unhealthy,
}

impl Class {
    /// Every class, from the least to the most alarming.
    pub const ALL: [Self; 13] = [
        Self::Undetermined,
        Self::NormalSinus,
        Self::SinusBradycardia,
        Self::SinusTachycardia,
        Self::PrematureBeat,
        Self::DelayedBeat,
        Self::FirstDegreeBlock,
        Self::SecondDegreeBlockTypeTwo,
        Self::MissedBeat,
        Self::Retrograde,
        Self::SuspectedFlatline,
        Self::ThirdDegreeBlock,
        Self::Asystole,
    ];

    /// The stable name in data, in kebab-case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Undetermined => "undetermined",
            Self::NormalSinus => "normal-sinus",
            Self::SinusBradycardia => "sinus-bradycardia",
            Self::SinusTachycardia => "sinus-tachycardia",
            Self::PrematureBeat => "premature-beat",
            Self::DelayedBeat => "delayed-beat",
            Self::FirstDegreeBlock => "first-degree-block",
            Self::SecondDegreeBlockTypeTwo => "second-degree-block-type-ii",
            Self::MissedBeat => "missed-beat",
            Self::Retrograde => "retrograde",
            Self::SuspectedFlatline => "suspected-flatline",
            Self::ThirdDegreeBlock => "third-degree-block",
            Self::Asystole => "asystole",
        }
    }

    /// The name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Undetermined => "undetermined",
            Self::NormalSinus => "normal sinus",
            Self::SinusBradycardia => "sinus bradycardia",
            Self::SinusTachycardia => "sinus tachycardia",
            Self::PrematureBeat => "premature beat",
            Self::DelayedBeat => "delayed beat",
            Self::FirstDegreeBlock => "first-degree block",
            Self::SecondDegreeBlockTypeTwo => "second-degree block II",
            Self::MissedBeat => "missed beat",
            Self::Retrograde => "retrograde",
            Self::SuspectedFlatline => "suspected flatline",
            Self::ThirdDegreeBlock => "third-degree block",
            Self::Asystole => "asystole",
        }
    }

    /// What it says about health.
    #[must_use]
    pub fn grade(self) -> Grade {
        match self {
            Self::Undetermined => Grade::Unknown,
            Self::NormalSinus => Grade::Healthy,
            Self::SinusBradycardia
            | Self::SinusTachycardia
            | Self::PrematureBeat
            | Self::DelayedBeat
            | Self::FirstDegreeBlock => Grade::Notable,
            Self::SecondDegreeBlockTypeTwo
            | Self::MissedBeat
            | Self::Retrograde
            | Self::SuspectedFlatline
            | Self::ThirdDegreeBlock
            | Self::Asystole => Grade::Unhealthy,
        }
    }
}

/// Why a rhythm is what it is, as far as the leads can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Fewer beats than a rhythm needs.
    TooLittleData,
    /// Neither the API server nor the probe could be heard.
    NotObserved,
    /// A stop signal reached the kubelet and no SIGCONT followed.
    KubeletStopped,
    /// The kubelet ended by itself.
    KubeletExited,
    /// The kubelet was ended by a signal.
    KubeletKilled,
    /// A new kubelet has taken its place, with a schedule of its own.
    KubeletRestarted,
    /// The kubelet tries and gets no answer, while the API server answers us.
    Partition,
    /// The kubelet tries and gets no answer, and neither do we.
    ApiUnreachable,
    /// The API server answers the kubelet with an error.
    ApiRefuses,
    /// Most of the time passed between the request and its answer.
    SlowApi,
    /// The renew took long, and the answer was not what took the time (or that is unknown).
    SlowRenew,
    /// It took more than one attempt.
    Retries,
    /// The node slept shorter or longer than it should.
    Irregular,
    /// The node's clock was set back.
    ClockStep,
    /// Nothing was heard of the node, and nothing says why.
    NoBeat,
    /// The Lease found at the start was already older than the grace.
    StaleLease,
}

impl Cause {
    /// The stable name in data, in kebab-case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TooLittleData => "too-little-data",
            Self::NotObserved => "not-observed",
            Self::KubeletStopped => "kubelet-stopped",
            Self::KubeletExited => "kubelet-exited",
            Self::KubeletKilled => "kubelet-killed",
            Self::KubeletRestarted => "kubelet-restarted",
            Self::Partition => "partition",
            Self::ApiUnreachable => "api-unreachable",
            Self::ApiRefuses => "api-refuses",
            Self::SlowApi => "slow-api",
            Self::SlowRenew => "slow-renew",
            Self::Retries => "retries",
            Self::Irregular => "irregular",
            Self::ClockStep => "clock-step",
            Self::NoBeat => "no-beat",
            Self::StaleLease => "stale-lease",
        }
    }
}
