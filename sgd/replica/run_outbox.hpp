#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sgd/learn/measures.hpp"
#include "sgd/learn/published_sums.hpp"
#include "sgd/replica/datagram_batch.hpp"
#include "sgd/replica/history.hpp"
#include "sgd/replica/ids.hpp"
#include "sgd/replica/wire.hpp"

namespace hogwild::sgd {

/// What happened in a run; `detail` is for people.
enum class RunEventType : std::uint8_t {
  kCreated,         ///< this member created the run
  kResumed,         ///< this member began the run from its checkpoint
  kWaiting,         ///< to go on from a checkpoint, for members that may have a newer one
  kJoined,          ///< holds the run's state: constants and settings are known now
  kPartGone,        ///< a member that is gone took its private rows along; detail: how many
  kStartTraining,   ///< start the workers
  kStopTraining,    ///< stop the workers, then call Run::workers_stopped()
  kEvaluate,        ///< measure `evaluation`, then call Run::evaluated()
  kPoint,           ///< the history grew
  kStopping,        ///< a stop order is known; detail: its reason
  kConfirmed,       ///< this member holds the final state
  kDone,            ///< every live member does: export
  kLinks,           ///< the links of the upload are known
  kRefused,         ///< this node contradicts the run; detail: how
  kAdopted,         ///< gave up its run for another one
  kFellBehind,      ///< could not repair; takes a snapshot
  kCrowded,         ///< follows without training: the run has as many origins as it may have
  kPassedOver,      ///< the nominee did not do what was due; another one is nominated; peer: which
  kWorkLost,        ///< fell behind by more than is kept: some own work is lost; detail: how much
  kDigestMismatch,  ///< equal datagrams, different sums: a bug or a broken machine; peer: with whom
  kRound,           ///< by rounds: another one is committed, see Run::last_round()
  kCoordinator,     ///< by rounds: `peer` coordinates now; detail: why
  kLeaderless,      ///< by rounds: nobody does any more; detail: why
  kLineage,         ///< by rounds: gave up its epoch for another; detail: what became of its work
  kOverflow,        ///< a sum left its range; detail: which feature
};

struct EvaluationRequest {
  std::uint64_t number = 0;
  bool is_final = false;  ///< of the whole training set too, for the objective
  SumsImage image;
  std::uint32_t candidate = 0;  ///< the one to measure where there are no rows to choose by
};

/// The answer to an EvaluationRequest, figures of the best candidate; what this node cannot measure
/// is NaN.
struct EvaluationReport {
  std::uint64_t number = 0;
  std::uint32_t candidate = 0;                 ///< the best one
  std::vector<CandidateFigures> candidates{};  ///< where there are several
  double test_loss = kUnknown;
  double test_accuracy = kUnknown;
  double objective = kUnknown;
  double micro_f1 = kUnknown;
  double macro_f1 = kUnknown;
  Measures measures{};  ///< on the test data, where the evaluation is final
  Sigmoids sigmoids{};  ///< fitted to the rows held back, where it is
};

struct RunEvent {
  RunEventType type;
  PeerId peer = 0;
  std::string detail;
  std::optional<EvaluationRequest> evaluation;
};

struct PeerDatagram {
  PeerId to = 0;
  Bytes bytes;
};

struct PeerRequest {
  PeerId to = 0;
  std::uint64_t token = 0;  ///< comes back with the reply
  Bytes bytes;
};

/// What a step of Run wants done; the caller empties it.
struct RunOutbox {
  std::vector<PeerDatagram> datagrams;
  DatagramBatch broadcasts;  ///< new deltas, each to every one of `broadcast_to`
  std::vector<PeerId> broadcast_to;
  std::vector<PeerRequest> requests;
  std::vector<RunEvent> events;
};

}  // namespace hogwild::sgd
