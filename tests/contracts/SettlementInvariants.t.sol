// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Commitment, Policy, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";
import {
    Callback,
    ISettlement,
    Order,
    Requirement,
    Result,
    SettlementTerms,
    State,
    Submission
} from "@veristack/settlement-evm/contracts/ISettlement.sol";
import {Callee, Coin, FeeCoin, HookCoin, LyingCoin} from "./lib/Doubles.sol";
import {Scene, ScriptedVerifier} from "./lib/Scene.sol";
import {Vm} from "./lib/Test.sol";

/// Knows of the contract what its events say, and nothing else.
contract Replay {
    struct Known {
        State state;
        Callback callback;
        uint256 pending;
        uint256 satisfied;
        address claimant;
        bytes32 outputs;
    }

    struct KnownClaim {
        uint256 satisfied;
        uint256 waiting;
    }

    mapping(bytes32 id => Known) public known;
    mapping(bytes32 claim => KnownClaim) public claims;
    mapping(bytes32 claim => mapping(uint256 leaf => mapping(bytes32 evidence => uint256))) public finalAt;
    mapping(address token => mapping(address account => uint256)) public credits;

    function read(Vm.Log calldata log) external {
        bytes32 kind = log.topics[0];
        bytes32 id = log.topics[1];
        Known storage k = known[id];
        if (kind == ISettlement.Requested.selector) {
            k.state = State.Open;
        } else if (kind == ISettlement.ClaimPending.selector) {
            (, uint8 leaf, bytes32 evidence, uint64 at_) = abi.decode(log.data, (bytes32, uint8, bytes32, uint64));
            bytes32 claim = log.topics[2];
            if (finalAt[claim][leaf][evidence] == 0 && claims[claim].waiting++ == 0) ++k.pending;
            finalAt[claim][leaf][evidence] = at_;
        } else if (kind == ISettlement.ClaimDropped.selector) {
            (uint8 leaf, bytes32 evidence) = abi.decode(log.data, (uint8, bytes32));
            noLonger(k, log.topics[2], leaf, evidence);
        } else if (kind == ISettlement.LeafSatisfied.selector) {
            (, uint8 leaf, bytes32 evidence, uint8 satisfied) =
                abi.decode(log.data, (bytes32, uint8, bytes32, uint8));
            noLonger(k, log.topics[2], leaf, evidence);
            claims[log.topics[2]].satisfied = satisfied;
        } else if (kind == ISettlement.Attached.selector) {
            (, k.satisfied) = abi.decode(log.data, (uint8, uint8));
        } else if (kind == ISettlement.Accepted.selector) {
            address token;
            uint256 amount;
            (k.outputs, k.satisfied, token, amount) = abi.decode(log.data, (bytes32, uint8, address, uint256));
            k.claimant = account(log.topics[3]);
            k.state = State.Accepted;
            credits[token][k.claimant] += amount;
        } else if (kind == ISettlement.Delivered.selector) {
            k.state = State.Delivered;
        } else if (kind == ISettlement.CalledBack.selector) {
            k.callback = abi.decode(log.data, (bool)) ? Callback.Succeeded : Callback.Failed;
        } else if (kind == ISettlement.TipCredited.selector || kind == ISettlement.Refunded.selector) {
            (address token, uint256 amount) = abi.decode(log.data, (address, uint256));
            if (kind == ISettlement.Refunded.selector) k.state = State.Refunded;
            credits[token][account(log.topics[2])] += amount;
        } else if (kind == ISettlement.Withdrawn.selector) {
            (, uint256 amount) = abi.decode(log.data, (address, uint256));
            credits[account(log.topics[2])][account(log.topics[1])] -= amount;
        } else {
            revert("an event that nobody knows");
        }
    }

    /// Whether the contract says the same of a request.
    function tellsOf(bytes32 id, Result calldata r) external view returns (bool) {
        Known storage k = known[id];
        State state = k.state == State.Open && k.pending != 0 ? State.Pending : k.state;
        bool decided = k.outputs == r.outputs && k.claimant == r.claimant && k.satisfied == r.satisfied;
        return state == r.state && decided && k.callback == r.callback && (state != State.Pending || k.pending == r.pending);
    }

    /// Whether the contract says the same of a claim that has not decided its request, and of a piece of its evidence.
    function tellsOf(ISettlement settlement, bytes32 claim, uint8 leaf, bytes32 evidence) external view returns (bool) {
        (uint8 satisfied, uint8 waiting) = settlement.progressOf(claim);
        bool same = claims[claim].satisfied == satisfied && claims[claim].waiting == waiting;
        return same && finalAt[claim][leaf][evidence] == settlement.pendingUntil(claim, leaf, evidence);
    }

    function noLonger(Known storage k, bytes32 claim, uint256 leaf, bytes32 evidence) private {
        if (finalAt[claim][leaf][evidence] == 0) return;
        finalAt[claim][leaf][evidence] = 0;
        if (--claims[claim].waiting == 0) --k.pending;
    }

    function account(bytes32 topic) private pure returns (address) {
        return address(uint160(uint256(topic)));
    }
}

/// Plays against the contract at random and keeps a model beside it, written from the state diagram and not from the
/// code. Where the contract does what the model would not, or refuses what it would do, `violation` says so.
/// Verifiers, callback and tokens misbehave when the dice say so, and whoever is called in between tries to get back in.
contract Player is Scene {
    struct Model {
        State state;
        Callback callback;
        uint256 shape;
        uint256 coin;
        uint256 price;
        uint256 tip;
        uint256 expiresAt;
        uint256 grace;
        uint256 validUntil;
        uint256 exclusiveUntil;
        uint256 callbackState;
        uint256 pending;
        uint256 credited;
        uint256 satisfied;
        address winner;
    }

    struct ClaimModel {
        uint256 satisfied;
        uint256 waiting;
    }

    uint256 private constant SHAPES = 5;
    uint256 private constant COINS = 5;
    uint256 private constant PLENTY = 12_000_000;
    uint32 private constant CALLBACK_GAS = 2_000_000;

    Replay private events = new Replay();
    string public violation;
    uint256 public calls;
    uint256 public decided;
    ScriptedVerifier[3] private verifiers;
    Policy[3] private policies;
    Callee private callee;
    address[COINS] private coins; // the chain's, honest, with fees, with hooks, lying
    Order[] private orders;
    Model[] private models;
    mapping(bytes32 key => uint256 finalAt) private finalAtOf;
    mapping(bytes32 key => ClaimModel) private claims;
    mapping(uint256 coin => mapping(address account => uint256)) private creditsOf;
    uint256 private time = NOW;
    uint256[3] private keys = [CLAIMANT_KEY, SQUATTER_KEY, 0xC0FFEE];
    bool private inside;

    /// Once, before play: it calls this contract's own functions, which a constructor can not.
    function start() external {
        setUp();
        vm.deal(address(this), 1_000_000 ether);
        for (uint256 i = 0; i < 3; ++i) {
            verifiers[i] = new ScriptedVerifier();
            policies[i] = policyOf(address(verifiers[i]));
        }
        callee = new Callee();
        (coins[1], coins[2]) = (address(new Coin()), address(new FeeCoin()));
        (coins[3], coins[4]) = (address(new HookCoin()), address(new LyingCoin()));
        for (uint256 i = 1; i < COINS; ++i) {
            if (i != 4) Coin(coins[i]).approve(address(settlement), type(uint256).max);
        }
        payer = address(this);
    }

    modifier step() {
        ++calls;
        vm.warp(time);
        _;
    }

    function expect(bool predicted, bool actual, string memory what) private {
        if (predicted != actual && bytes(violation).length == 0) {
            violation = string.concat(what, predicted ? ": refused" : ": allowed");
        }
    }

    /// A call of the contract, during which this one, being called, tries to get back in.
    function act(uint256 value, bytes memory data) private returns (bool ok) {
        vm.recordLogs();
        inside = true;
        (ok,) = address(settlement).call{value: value, gas: PLENTY}(data);
        inside = false;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; ok && i < logs.length; ++i) {
            if (logs[i].emitter == address(settlement)) events.read(logs[i]);
        }
    }

    // ---- moves ----

    /// Often to the very second at which something changes, or the one before or after.
    function wait(uint256 seconds_, uint256 r, uint256 where) external step {
        uint256 to = time + bound(seconds_, 0, 1 days);
        if (orders.length != 0 && where % 3 != 0) {
            Model memory m = models[r % orders.length];
            to = m.expiresAt + (where % 3 == 1 ? 0 : m.grace) + (where / 3) % 3 - 1;
        }
        if (to > time) time = to;
    }

    function place(uint256 price, uint256 lifetime, uint256 grace, uint256 dice, uint8 lie) external step {
        if (orders.length == 12) return;
        Model memory m;
        m.state = State.Open;
        m.shape = dice % SHAPES;
        m.coin = (dice / 8) % 8 % COINS;
        m.price = (dice / 64) % 4 == 0 ? bound(price, 0, 99) : bound(price, 0, 10 ether);
        m.tip = (dice / 256) % 3 == 0 ? bound(price / 7, 0, 1 ether) : 0;
        m.grace = bound(grace, 0, 1 days);
        m.expiresAt = time + bound(lifetime, 0, 3 days);
        if ((dice / 1024) % 2 == 0) m.validUntil = m.expiresAt + (dice / 2048) % 3 days;
        if ((dice / 4096) % 4 == 0) m.exclusiveUntil = time + (dice / 8192) % 1 days + 1;
        if ((dice / 16384) % 3 != 0) m.callbackState = 2 + (dice / 16384) % 3; // Accepted or Delivered
        Order memory o = orderFor(m);
        uint256 amount = m.price + m.tip;
        fund(m.coin, amount, lie);
        uint256 value = m.coin == 0 ? amount : 0;
        bool predicted = takes(m.coin, amount, lie);
        bool ok = act(value, abi.encodeCall(settlement.request, (o, policiesOf(m.shape), formulaOf(m.shape))));
        expect(predicted, ok, "request");
        if (!ok) return;
        orders.push(o);
        models.push(m);
    }

    function submit(uint256 r, uint256 choice, uint8 status, uint256 window, bool stolen) external step {
        if (orders.length == 0) return;
        r = r % orders.length;
        Submission memory s = submissionFor(r, choice);
        Status answer = script(r, s, status, window);
        if (stolen) s.claimant = vm.addr(0xDEAD); // the signature is another's
        Model storage m = models[r];
        ClaimModel storage c = claims[claimKey(r, choice)];
        bool live = m.state == State.Open && time <= m.expiresAt && !stolen && s.leaf < leavesOf(m.shape);
        if (time <= m.exclusiveUntil && s.claimant != vm.addr(keys[0])) live = false;
        if (leavesOf(m.shape) > 1 && (c.satisfied >> s.leaf) & 1 == 1) live = false;
        bool accepts = live && answer == Status.Accepted;
        bool pends = live && answer == Status.Pending && finalAtOf[keyOf(r, choice)] == 0;
        bool ok = act(0, abi.encodeCall(settlement.submit, (orders[r], requirementFor(m.shape), s)));
        expect(accepts || pends, ok, "submit");
        if (accepts) {
            // What waited and is accepted now waits no longer. A decided request's evidence is nobody's business.
            if (finalAtOf[keyOf(r, choice)] != 0 && !meets(m.shape, c.satisfied | (1 << s.leaf))) {
                finalAtOf[keyOf(r, choice)] = 0;
                if (--c.waiting == 0) --m.pending;
            }
            satisfied(m, c, s, payer);
        }
        if (pends) {
            if (c.waiting++ == 0) ++m.pending;
            finalAtOf[keyOf(r, choice)] = verifiers[s.leaf].finalAt(digestOf(r, s));
        }
        eventsTellOf(r, s);
    }

    function finalize(uint256 r, uint256 choice, uint8 status, uint256 window, uint256 who) external step {
        if (orders.length == 0) return;
        r = r % orders.length;
        Submission memory s = submissionFor(r, choice);
        Status answer = script(r, s, status, window);
        Model storage m = models[r];
        bytes32 key = keyOf(r, choice);
        uint256 finalAt = verifiers[s.leaf].finalAt(digestOf(r, s));
        bool waits = m.state == State.Open && finalAtOf[key] != 0;
        bool predicted = waits && !(answer == Status.Pending && finalAt == finalAtOf[key]);
        address sender = vm.addr(keys[who % 3]);
        bytes memory data = abi.encodeCall(settlement.finalize, (orders[r], requirementFor(m.shape), s));
        vm.prank(sender);
        bool ok = act(0, data);
        expect(predicted, ok, "finalize");
        if (!predicted) return;
        if (answer == Status.Pending) {
            finalAtOf[key] = finalAt;
            eventsTellOf(r, s);
            return;
        }
        finalAtOf[key] = 0;
        ClaimModel storage c = claims[claimKey(r, choice)];
        if (--c.waiting == 0) --m.pending;
        if (answer == Status.Accepted) satisfied(m, c, s, sender);
        eventsTellOf(r, s);
    }

    function attach(uint256 r, uint256 choice, uint8 status) external step {
        if (orders.length == 0) return;
        r = r % orders.length;
        Model storage m = models[r];
        Submission memory s = submissionFor(r, choice);
        Result memory won = settlement.getResult(settlement.requestId(orders[r]));
        (s.claimant, s.outputs) = (won.claimant, won.outputs);
        Status answer = script(r, s, status, 0);
        bool predicted = (m.state == State.Accepted || m.state == State.Delivered) && s.leaf < leavesOf(m.shape)
            && (m.satisfied >> s.leaf) & 1 == 0 && answer == Status.Accepted;
        bool ok = act(0, abi.encodeCall(settlement.attach, (orders[r], requirementFor(m.shape), s)));
        expect(predicted, ok, "attach");
        if (predicted) m.satisfied |= 1 << s.leaf;
    }

    function refund(uint256 r) external step {
        if (orders.length == 0) return;
        r = r % orders.length;
        Model storage m = models[r];
        bool predicted = m.state == State.Open && m.pending == 0 && time > m.expiresAt + m.grace;
        bool ok = act(0, abi.encodeCall(settlement.refund, (orders[r])));
        expect(predicted, ok, "refund");
        if (!predicted) return;
        m.state = State.Refunded;
        credit(m, payer, m.price);
        creditsOf[m.coin][payer] += m.tip;
    }

    function deliver(uint256 r, bool wrong) external step {
        if (orders.length == 0) return;
        r = r % orders.length;
        Model storage m = models[r];
        uint256 label = labelOf(r);
        bool predicted = m.state == State.Accepted && !wrong;
        bool ok = act(0, abi.encodeCall(settlement.deliver, (orders[r], list(wrong ? label + 2 : label))));
        expect(predicted, ok, "deliver");
        if (!predicted) return;
        m.state = State.Delivered;
        if (m.callbackState == uint256(State.Delivered)) called(m);
    }

    function retryCallback(uint256 r, bool wrong) external step {
        if (orders.length == 0) return;
        r = r % orders.length;
        Model storage m = models[r];
        Commitment[] memory values;
        if ((m.callbackState == uint256(State.Delivered)) != wrong) values = list(labelOf(r));
        bool predicted = m.callback == Callback.Failed && !wrong;
        bool ok = act(0, abi.encodeCall(settlement.retryCallback, (orders[r], values, 0)));
        expect(predicted, ok, "retryCallback");
        if (predicted) called(m);
    }

    /// How whoever is called behaves from now on; well, three times of four.
    function behave(uint8 verifier, uint8 manner, uint8 callback, uint8 dice) external step {
        bool well = dice % 4 != 0;
        verifiers[verifier % 3].behave(ScriptedVerifier.Manner(well ? 0 : manner % 5));
        callee.set(Callee.Manner(well ? 0 : callback % 4));
        if (callback % 5 == 4 && !well && orders.length != 0) {
            bytes[] memory attacks = new bytes[](3);
            attacks[0] = abi.encodeCall(settlement.withdraw, (address(0), payable(address(callee))));
            attacks[1] = abi.encodeCall(settlement.refund, (orders[0]));
            attacks[2] = abi.encodeCall(settlement.retryCallback, (orders[0], new Commitment[](0), 0));
            callee.attack(address(settlement), attacks);
        }
    }

    function withdraw(uint256 who, uint256 coin, uint8 lie) external step {
        coin = coin % COINS;
        address account = who % 4 == 3 ? payer : vm.addr(keys[who % 4]);
        uint256 owed = creditsOf[coin][account];
        if (coin == 4) LyingCoin(coins[4]).set(LyingCoin.Lie(lie % 6));
        // Some are paid to this contract, which then tries to get back in.
        address to = account == payer ? payer : address(uint160(0x1000));
        bool predicted = owed != 0 && (coin != 4 || lie % 6 == 0 || lie % 6 == 2);
        bool moves = predicted && (coin != 4 || lie % 6 == 0);
        uint256 before = balance(coin, address(settlement));
        vm.prank(account);
        bool ok = act(0, abi.encodeCall(settlement.withdraw, (coins[coin], payable(to))));
        expect(predicted, ok, "withdraw");
        expect(true, balance(coin, address(settlement)) == before - (moves ? owed : 0), "withdrawn amount");
        if (predicted) creditsOf[coin][account] = 0;
    }

    // ---- what must hold ----

    function check() external view {
        assertTrue(bytes(violation).length == 0, violation);
        assertEq(callee.reentered(), 0);
        uint256[COINS] memory owed;
        for (uint256 i = 0; i < models.length; ++i) {
            Model memory m = models[i];
            Result memory r = settlement.getResult(settlement.requestId(orders[i]));
            State state = m.state == State.Open && m.pending != 0 ? State.Pending : m.state;
            assertTrue(r.state == state, "state");
            assertTrue(r.callback == m.callback, "callback");
            assertTrue(r.stale == (m.validUntil != 0 && block.timestamp > m.validUntil), "stale");
            assertEq(r.pending, state == State.Pending ? m.pending : 0);
            assertEq(r.claimant, m.winner);
            assertEq(r.satisfied, m.satisfied);
            assertTrue(events.tellsOf(settlement.requestId(orders[i]), r), "events");
            bool over = m.state != State.Open;
            assertEq(m.credited, over ? 1 : 0);
            if (m.state == State.Accepted || m.state == State.Delivered) {
                assertTrue(meets(m.shape, m.satisfied), "paid with the requirement met");
            }
            if (!over) owed[m.coin] += m.price + m.tip;
        }
        for (uint256 coin = 0; coin < COINS; ++coin) {
            for (uint256 i = 0; i < 4; ++i) {
                address account = i == 3 ? payer : vm.addr(keys[i]);
                assertEq(settlement.creditOf(coins[coin], account), creditsOf[coin][account]);
                assertEq(events.credits(coins[coin], account), creditsOf[coin][account]);
                owed[coin] += creditsOf[coin][account];
            }
            uint256 has = balance(coin, address(settlement));
            if (coin == 4) assertTrue(has >= owed[coin], "solvent in a lying token");
            else assertEq(has, owed[coin]);
        }
    }

    function eventsTellOf(uint256 r, Submission memory s) private {
        if (models[r].state != State.Open) return;
        expect(true, events.tellsOf(settlement, digestOf(r, s), s.leaf, keccak256(s.evidence)), "events of a claim");
    }

    // ---- the model's own steps ----

    function satisfied(Model storage m, ClaimModel storage c, Submission memory s, address tipped) private {
        uint256 bits = c.satisfied | (1 << s.leaf);
        if (!meets(m.shape, bits)) {
            c.satisfied = bits;
            return;
        }
        ++decided;
        m.state = State.Accepted;
        (m.winner, m.satisfied) = (s.claimant, bits);
        credit(m, s.claimant, m.price);
        creditsOf[m.coin][tipped] += m.tip;
        if (m.callbackState == uint256(State.Accepted)) called(m);
    }

    function credit(Model storage m, address who, uint256 amount) private {
        ++m.credited;
        creditsOf[m.coin][who] += amount;
    }

    function called(Model storage m) private {
        Callee.Manner manner = callee.manner();
        bool fails = manner == Callee.Manner.Reverts || manner == Callee.Manner.BurnsGas;
        m.callback = fails ? Callback.Failed : Callback.Succeeded;
    }

    /// The shapes: one leaf, both, either, two of three, the first and one of the others.
    function leavesOf(uint256 shape) private pure returns (uint256) {
        return shape == 0 ? 1 : shape < 3 ? 2 : 3;
    }

    function formulaOf(uint256 shape) private pure returns (bytes memory) {
        if (shape == 0) return hex"00";
        if (shape == 1) return hex"0001800202";
        if (shape == 2) return hex"0001800102";
        return shape == 3 ? bytes(hex"000102800203") : bytes(hex"000102800102800202");
    }

    function meets(uint256 shape, uint256 bits) private pure returns (bool) {
        bool a = bits & 1 != 0;
        bool b = bits & 2 != 0;
        bool c = bits & 4 != 0;
        if (shape == 0) return a;
        if (shape == 1) return a && b;
        if (shape == 2) return a || b;
        return shape == 3 ? (a && b) || (a && c) || (b && c) : a && (b || c);
    }

    function policiesOf(uint256 shape) private view returns (Policy[] memory out) {
        out = new Policy[](leavesOf(shape));
        for (uint256 i = 0; i < out.length; ++i) {
            out[i] = policies[i];
        }
    }

    function requirementFor(uint256 shape) private view returns (Requirement memory r) {
        r.leaves = new bytes32[](leavesOf(shape));
        for (uint256 i = 0; i < r.leaves.length; ++i) {
            r.leaves[i] = this.leafHash(policies[i]);
        }
        r.formula = formulaOf(shape);
    }

    function orderFor(Model memory m) private view returns (Order memory o) {
        SettlementTerms memory t;
        t.token = coins[m.coin];
        t.graceSeconds = uint32(m.grace);
        t.tipWei = uint96(m.tip);
        t.validUntil = uint64(m.validUntil);
        if (m.exclusiveUntil != 0) (t.exclusiveClaimant, t.exclusiveUntil) = (vm.addr(keys[0]), uint64(m.exclusiveUntil));
        if (m.callbackState != 0) {
            (t.callbackTarget, t.callbackGas, t.callbackState) = (address(callee), CALLBACK_GAS, uint8(m.callbackState));
        }
        o = orderOf(policies[0], t, keccak256("inputs"), orders.length);
        Requirement memory r = requirementFor(m.shape);
        o.request.requirement = this.requirementHash(r.leaves, r.formula);
        o.request.priceWei = m.price;
        o.request.expiresAt = uint64(m.expiresAt);
    }

    function fund(uint256 coin, uint256 amount, uint8 lie) private {
        if (coin == 0) return;
        if (coin == 4) LyingCoin(coins[4]).set(LyingCoin.Lie(lie % 6));
        Coin(coins[coin]).mint(address(this), amount);
    }

    function takes(uint256 coin, uint256 amount, uint8 lie) private pure returns (bool) {
        if (coin == 2) return amount < 100;
        if (coin == 4) return lie % 6 == 0 || (lie % 6 == 2 && amount == 0);
        return true;
    }

    function balance(uint256 coin, address account) private view returns (uint256) {
        return coin == 0 ? account.balance : Coin(coins[coin]).balanceOf(account);
    }

    function list(uint256 label) private pure returns (Commitment[] memory out) {
        out = new Commitment[](1);
        out[0] = Commitment("label", "raw/v1", abi.encode(label));
    }

    function outputsOf(uint256 label) private view returns (bytes32) {
        return this.listHash(list(label));
    }

    function labelOf(uint256 r) private view returns (uint256) {
        return settlement.getResult(settlement.requestId(orders[r])).outputs == outputsOf(1) ? 1 : 0;
    }

    /// Three claimants, two answers, two pieces of evidence, three leaves.
    function submissionFor(uint256 r, uint256 choice) private view returns (Submission memory s) {
        uint8 leaf = uint8((choice / 12) % 3);
        bytes memory evidence = abi.encode((choice / 6) % 2);
        s = submissionOf(orders[r], policies[leaf], keys[choice % 3], outputsOf((choice / 3) % 2), evidence);
        s.leaf = leaf;
    }

    function keyOf(uint256 r, uint256 choice) private pure returns (bytes32) {
        return keccak256(abi.encode(r, choice % 36));
    }

    function claimKey(uint256 r, uint256 choice) private pure returns (bytes32) {
        return keccak256(abi.encode("claim", r, choice % 6));
    }

    function digestOf(uint256 r, Submission memory s) private view returns (bytes32) {
        return TypedData.digest(claimFor(orders[r], s.claimant, s.outputs));
    }

    /// Tells the verifier what to say; returns what the contract must take it for.
    function script(uint256 r, Submission memory s, uint8 status, uint256 window) private returns (Status) {
        Status answer = Status(status % 3);
        uint256 finalAt = time + bound(window, 0, 100 days);
        verifiers[s.leaf].set(digestOf(r, s), answer, answer == Status.Pending ? uint64(finalAt) : 0);
        if (verifiers[s.leaf].manner() != ScriptedVerifier.Manner.Answers) return Status.Rejected;
        if (answer != Status.Pending) return answer;
        bool inTime = finalAt > time && finalAt <= models[r].expiresAt + 90 days;
        return inTime ? Status.Pending : Status.Rejected;
    }

    function getBackIn() private {
        if (!inside) return;
        (bool ok,) = address(settlement).call(
            abi.encodeCall(settlement.withdraw, (address(0), payable(address(this))))
        );
        if (orders.length != 0) {
            (bool again,) = address(settlement).call(abi.encodeCall(settlement.refund, (orders[0])));
            ok = ok || again;
        }
        expect(false, ok, "reentry");
    }

    function tokensToSend() external {
        getBackIn();
    }

    function tokensReceived() external {
        getBackIn();
    }

    receive() external payable {
        getBackIn();
    }
}

contract SettlementInvariants {
    Player private player;

    function setUp() public {
        player = new Player();
        player.start();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(player);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    /// Only the moves.
    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(player), new bytes4[](12));
        bytes4[] memory s = targets[0].selectors;
        (s[0], s[1], s[2]) = (Player.wait.selector, Player.place.selector, Player.submit.selector);
        (s[3], s[4], s[5]) = (Player.finalize.selector, Player.refund.selector, Player.deliver.selector);
        (s[6], s[7], s[8]) = (Player.withdraw.selector, Player.submit.selector, Player.finalize.selector);
        (s[9], s[10], s[11]) = (Player.attach.selector, Player.retryCallback.selector, Player.behave.selector);
    }

    /// Solvency in each token, paid at most once and only with the requirement met, refunds only as stated and never
    /// after payment, callbacks that change nothing, nobody inside twice.
    function invariant_theContractIsTheModel() public view {
        player.check();
    }
}
