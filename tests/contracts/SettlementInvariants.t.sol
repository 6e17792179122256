// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Commitment, Policy, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";
import {
    Order,
    Requirement,
    Result,
    SettlementTerms,
    State,
    Submission
} from "@veristack/settlement-evm/contracts/ISettlement.sol";
import {Scene, ScriptedVerifier} from "./lib/Scene.sol";

/// Plays against the contract at random and keeps a model beside it, written from the state diagram and not from the
/// code. Where the contract does what the model would not, or refuses what it would do, `violation` says so.
contract Player is Scene {
    struct Model {
        State state;
        uint256 price;
        uint256 expiresAt;
        uint256 grace;
        uint256 pending;
        uint256 credited;
        address winner;
    }

    string public violation;
    uint256 public calls;
    uint256 public decided;
    ScriptedVerifier private verifier;
    Policy private policy;
    Requirement private requirement;
    Order[] private orders;
    Model[] private models;
    mapping(bytes32 key => uint256 finalAt) private finalAtOf;
    mapping(address account => uint256) private creditsOf;
    uint256 private time = NOW;
    uint256[3] private keys = [CLAIMANT_KEY, SQUATTER_KEY, 0xC0FFEE];

    /// Once, before play: it calls this contract's own functions, which a constructor can not.
    function start() external {
        setUp();
        vm.deal(address(this), 1_000_000 ether);
        verifier = new ScriptedVerifier();
        policy = policyOf(address(verifier));
        requirement = requirementOf(policy);
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

    function place(uint256 price, uint256 lifetime, uint256 grace) external step {
        if (orders.length == 12) return;
        SettlementTerms memory t;
        t.graceSeconds = uint32(bound(grace, 0, 1 days));
        Order memory o = orderOf(policy, t, keccak256("inputs"), orders.length);
        o.request.priceWei = bound(price, 0, 10 ether);
        o.request.expiresAt = uint64(time + bound(lifetime, 0, 3 days));
        place(o, policy);
        orders.push(o);
        models.push(
            Model(State.Open, o.request.priceWei, o.request.expiresAt, t.graceSeconds, 0, 0, address(0))
        );
    }

    function submit(uint256 r, uint256 choice, uint8 status, uint256 window, bool stolen) external step {
        if (orders.length == 0) return;
        r = r % orders.length;
        Submission memory s = submissionFor(r, choice);
        Status answer = script(r, s, status, window);
        if (stolen) s.claimant = vm.addr(0xDEAD); // the signature is another's
        Model storage m = models[r];
        bytes32 key = keyOf(r, choice);
        bool live = m.state == State.Open && time <= m.expiresAt && !stolen;
        bool accepts = live && answer == Status.Accepted;
        bool pends = live && answer == Status.Pending && finalAtOf[key] == 0 && m.pending < 16;
        (bool ok,) = address(settlement).call(abi.encodeCall(settlement.submit, (orders[r], requirement, s)));
        expect(accepts || pends, ok, "submit");
        if (accepts) accept(m, s.claimant);
        if (pends) {
            ++m.pending;
            finalAtOf[key] = verifier.finalAt(digestOf(r, s));
        }
    }

    function finalize(uint256 r, uint256 choice, uint8 status, uint256 window) external step {
        if (orders.length == 0) return;
        r = r % orders.length;
        Submission memory s = submissionFor(r, choice);
        Status answer = script(r, s, status, window);
        Model storage m = models[r];
        bytes32 key = keyOf(r, choice);
        uint256 finalAt = verifier.finalAt(digestOf(r, s));
        bool waits = m.state == State.Open && finalAtOf[key] != 0;
        bool predicted = waits && !(answer == Status.Pending && finalAt == finalAtOf[key]);
        (bool ok,) = address(settlement).call(abi.encodeCall(settlement.finalize, (orders[r], requirement, s)));
        expect(predicted, ok, "finalize");
        if (!predicted) return;
        if (answer == Status.Pending) {
            finalAtOf[key] = finalAt;
            return;
        }
        finalAtOf[key] = 0;
        --m.pending;
        if (answer == Status.Accepted) accept(m, s.claimant);
    }

    function refund(uint256 r) external step {
        if (orders.length == 0) return;
        r = r % orders.length;
        Model storage m = models[r];
        bool predicted = m.state == State.Open && m.pending == 0 && time > m.expiresAt + m.grace;
        (bool ok,) = address(settlement).call(abi.encodeCall(settlement.refund, (orders[r])));
        expect(predicted, ok, "refund");
        if (!predicted) return;
        m.state = State.Refunded;
        credit(m, payer);
    }

    function deliver(uint256 r, bool wrong) external step {
        if (orders.length == 0) return;
        r = r % orders.length;
        Model storage m = models[r];
        bytes32 outputs = settlement.getResult(settlement.requestId(orders[r])).outputs;
        uint256 label = outputs == outputsOf(1) ? 1 : 0;
        bool predicted = m.state == State.Accepted && !wrong;
        (bool ok,) = address(settlement).call(
            abi.encodeCall(settlement.deliver, (orders[r], list(wrong ? label + 2 : label)))
        );
        expect(predicted, ok, "deliver");
        if (predicted) m.state = State.Delivered;
    }

    function withdraw(uint256 who) external step {
        address account = who % 4 == 3 ? payer : vm.addr(keys[who % 4]);
        uint256 owed = creditsOf[account];
        address to = address(uint160(0x1000));
        uint256 before = to.balance;
        vm.prank(account);
        (bool ok,) = address(settlement).call(abi.encodeCall(settlement.withdraw, (address(0), payable(to))));
        expect(owed != 0, ok, "withdraw");
        expect(true, to.balance == before + owed, "withdrawn amount");
        creditsOf[account] = 0;
    }

    // ---- what must hold ----

    function check() external view {
        assertTrue(bytes(violation).length == 0, violation);
        uint256 open = 0;
        for (uint256 i = 0; i < models.length; ++i) {
            Model memory m = models[i];
            Result memory r = settlement.getResult(settlement.requestId(orders[i]));
            State state = m.state == State.Open && m.pending != 0 ? State.Pending : m.state;
            assertTrue(r.state == state, "state");
            assertEq(r.pending, m.pending);
            assertEq(r.claimant, m.winner);
            bool over = m.state != State.Open;
            assertEq(m.credited, over ? 1 : 0);
            if (!over) open += m.price;
        }
        uint256 credits = 0;
        for (uint256 i = 0; i < 4; ++i) {
            address account = i == 3 ? payer : vm.addr(keys[i]);
            assertEq(settlement.creditOf(address(0), account), creditsOf[account]);
            credits += creditsOf[account];
        }
        assertEq(address(settlement).balance, open + credits);
    }

    // ---- the model's own steps ----

    function accept(Model storage m, address who) private {
        ++decided;
        m.state = State.Accepted;
        m.winner = who;
        credit(m, who);
    }

    function credit(Model storage m, address who) private {
        ++m.credited;
        creditsOf[who] += m.price;
    }

    function list(uint256 label) private pure returns (Commitment[] memory out) {
        out = new Commitment[](1);
        out[0] = Commitment("label", "raw/v1", abi.encode(label));
    }

    function outputsOf(uint256 label) private view returns (bytes32) {
        return this.listHash(list(label));
    }

    /// Three claimants, two answers, two pieces of evidence.
    function submissionFor(uint256 r, uint256 choice) private view returns (Submission memory) {
        bytes memory evidence = abi.encode((choice / 6) % 2);
        return submissionOf(orders[r], policy, keys[choice % 3], outputsOf((choice / 3) % 2), evidence);
    }

    function keyOf(uint256 r, uint256 choice) private pure returns (bytes32) {
        return keccak256(abi.encode(r, choice % 12));
    }

    function digestOf(uint256 r, Submission memory s) private view returns (bytes32) {
        return TypedData.digest(claimFor(orders[r], s.claimant, s.outputs));
    }

    /// Tells the verifier what to say; returns what the contract must take it for.
    function script(uint256 r, Submission memory s, uint8 status, uint256 window) private returns (Status) {
        Status answer = Status(status % 3);
        uint256 finalAt = time + bound(window, 0, 100 days);
        verifier.set(digestOf(r, s), answer, answer == Status.Pending ? uint64(finalAt) : 0);
        if (answer != Status.Pending) return answer;
        bool inTime = finalAt > time && finalAt <= models[r].expiresAt + 90 days;
        return inTime ? Status.Pending : Status.Rejected;
    }

    receive() external payable {}
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
        targets[0] = FuzzSelector(address(player), new bytes4[](9));
        targets[0].selectors[0] = Player.wait.selector;
        targets[0].selectors[1] = Player.place.selector;
        targets[0].selectors[2] = Player.submit.selector;
        targets[0].selectors[3] = Player.finalize.selector;
        targets[0].selectors[4] = Player.refund.selector;
        targets[0].selectors[5] = Player.deliver.selector;
        targets[0].selectors[6] = Player.withdraw.selector;
        targets[0].selectors[7] = Player.submit.selector;
        targets[0].selectors[8] = Player.finalize.selector;
    }

    /// Solvency, paid at most once and only with the requirement met, refunds only as stated.
    function invariant_theContractIsTheModel() public view {
        player.check();
    }
}
