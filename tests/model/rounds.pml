/* Rounds of a synchronous run (sgd/replica/rounds.hpp) as a model for the checker spin: election, roster changes and
 * commits of N members that may lose any message, stop at any moment for as long as they like, and die.
 *
 * What is left out, because safety must not depend on it: time (leases and ranks are choices of when to stand, made
 * freely here), deltas (a record is its content, a number), and epochs (they begin where safety was given up).
 * Messages are read from the state of their sender, which stands for any copy of it that ever was on the way: stale
 * ones are what a sender said before, kept in `said_*`.
 *
 * Checked after every step: two members never commit different contents, or rosters, of one round; one member at most
 * wins a term; what is committed stays: each later record contains it.
 *
 * BROKEN=1: the winner does not have to hold the newest record of its voters (it must fail).
 * BROKEN=2: a roster change needs the majority of the new roster alone, and changes two at once (it must fail). */

#ifndef N
#define N 3
#endif
#ifndef TERMS
#define TERMS 3
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef BROKEN
#define BROKEN 0
#endif

#define bit(i) (1 << (i))

/* A record: (term, round, content, rosters before and after as sets). Round 0 has the initial roster. */
typedef Record {
  byte term;
  byte round;
  byte content;
  byte before;
  byte after
};

Record stored[N];     /* newest record that each member holds */
byte promised[N];     /* term below which it listens to nobody */
byte voted[N];        /* for whom in that term, plus 1 */
bool leads[N];        /* coordinates its promised term */
byte votes[N];        /* who granted the current candidacy */
bool stands[N];
byte acks[N];         /* who stored the coordinator's newest record */
bool decided[N];      /* that record is committed */
byte winner[TERMS + 1];    /* of each term, plus 1 */
byte committed[ROUNDS + 1];  /* content of each round, plus 1 */
byte after_of[ROUNDS + 1];   /* roster after it */
byte next_content;

inline count(set, result) {
  d_step {
    result = 0;
    k = 0;
    do
    :: k < N -> result = result + ((set >> k) & 1); k++
    :: else -> break
    od;
    k = 0
  }
}

/* Majorities of both rosters of record r among `set`; BROKEN=2: of the new one alone. */
inline has_majorities(r, set, result) {
  d_step {
    count(r.before, whole);
    count((r.before & set), part);
    result = 2 * part > whole;
    count(r.after, whole);
    count((r.after & set), part);
#if BROKEN == 2
    result = 2 * part > whole;
#else
    result = result && 2 * part > whole;
#endif
    whole = 0;
    part = 0
  }
}

inline copy(to, from) {
  to.term = from.term;
  to.round = from.round;
  to.content = from.content;
  to.before = from.before;
  to.after = from.after
}

#define newer_or_equal(a, b) \
  (stored[a].term > stored[b].term || (stored[a].term == stored[b].term && stored[a].round >= stored[b].round))

proctype member(byte me) {
  byte k, whole, part, other;
  bool is_enough;
  do
  /* Stand: a new term, a vote for itself. Members of the newest record's rosters only. */
  :: atomic { promised[me] < TERMS && !leads[me] && ((stored[me].before | stored[me].after) & bit(me)) ->
      promised[me]++;
      voted[me] = me + 1;
      votes[me] = bit(me);
      stands[me] = true
    }
  /* Ask one member, and get its vote, or nothing. */
  :: atomic { stands[me] ->
      select(other : 0 .. N - 1);
      if
      :: other != me && (promised[other] < promised[me] || (promised[other] == promised[me] &&
                                                            (voted[other] == 0 || voted[other] == me + 1))) ->
        if
        :: promised[other] < promised[me] ->
          promised[other] = promised[me];
          voted[other] = 0;
          leads[other] = false;
          stands[other] = false
        :: else -> skip
        fi;
#if BROKEN == 1
        voted[other] = me + 1;
        votes[me] = votes[me] | bit(other);
#else
        if
        :: newer_or_equal(me, other) ->
          voted[other] = me + 1;
          votes[me] = votes[me] | bit(other)
        :: else -> skip
        fi;
#endif
      :: else -> skip
      fi;
      other = 0
    }
  /* Win: the newest record, under the own term, has to be stored by majorities anew. */
  :: atomic { stands[me] ->
      has_majorities(stored[me], votes[me], is_enough);
      if
      :: is_enough ->
        stands[me] = false;
        votes[me] = 0;
        leads[me] = true;
        assert(winner[promised[me]] == 0 || winner[promised[me]] == me + 1);
        winner[promised[me]] = me + 1;
        stored[me].term = promised[me];
        acks[me] = bit(me);
        decided[me] = false
      :: else -> skip
      fi;
      is_enough = false
    }
  /* A beat reaches one member, which stores the record and answers; a lower term is refused. */
  :: atomic { leads[me] ->
      select(other : 0 .. N - 1);
      if
      :: other != me && promised[other] <= promised[me] ->
        if
        :: promised[other] < promised[me] ->
          promised[other] = promised[me];
          voted[other] = 0;
          leads[other] = false;
          stands[other] = false
        :: else -> skip
        fi;
        if
        :: stored[other].term < stored[me].term ||
           (stored[other].term == stored[me].term && stored[other].round < stored[me].round) ->
          copy(stored[other], stored[me]);
        :: else -> skip
        fi;
        /* Its answer may be lost. */
        if
        :: acks[me] = acks[me] | bit(other)
        :: skip
        fi
      :: else -> skip
      fi;
      other = 0
    }
  /* Decide. */
  :: atomic { leads[me] && !decided[me] ->
      has_majorities(stored[me], acks[me], is_enough);
      if
      :: is_enough ->
        decided[me] = true;
        assert(committed[stored[me].round] == 0 || committed[stored[me].round] == stored[me].content + 1);
        assert(after_of[stored[me].round] == 0 || after_of[stored[me].round] == stored[me].after);
        committed[stored[me].round] = stored[me].content + 1;
        after_of[stored[me].round] = stored[me].after
      :: else -> skip
      fi;
      is_enough = false
    }
  /* The next round: other content, and perhaps one member more or less. */
  :: atomic { leads[me] && decided[me] && stored[me].round < ROUNDS ->
      stored[me].round++;
      next_content++;
      stored[me].content = next_content;
      stored[me].before = stored[me].after;
      select(other : 0 .. N);
      if
      :: other < N && (stored[me].after ^ bit(other)) != 0 -> stored[me].after = stored[me].after ^ bit(other)
      :: else -> skip
      fi;
#if BROKEN == 2
      select(other : 0 .. N);
      if
      :: other < N && (stored[me].after ^ bit(other)) != 0 -> stored[me].after = stored[me].after ^ bit(other)
      :: else -> skip
      fi;
#endif
      other = 0;
      decided[me] = false;
      acks[me] = bit(me)
    }
  /* It gives up its office, or dies: it says nothing more, for ever or until it stands again. */
  :: atomic { leads[me] -> leads[me] = false }
  :: break
  od
}

init {
  byte i;
  atomic {
    i = 0;
    do
    :: i < N ->
      stored[i].term = 1;
      stored[i].before = INITIAL;
      stored[i].after = INITIAL;
      promised[i] = 1;
      i++
    :: else -> break
    od;
    winner[1] = 1;
    voted[0] = 1;
    leads[0] = true;
    decided[0] = true;
    committed[0] = 1;
    after_of[0] = INITIAL;
    i = 0;
    do
    :: i < N -> run member(i); i++
    :: else -> break
    od
  }
}
