// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Commitment} from "@veristack/chain-evm/contracts/Claim.sol";
import {Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";
import {Answer} from "@veristack/settlement-evm/contracts/IInferenceCallback.sol";
import {
    Callback,
    ISettlement,
    Order,
    Quote,
    Result,
    State,
    Submission
} from "@veristack/settlement-evm/contracts/ISettlement.sol";
import {Callee} from "./lib/Doubles.sol";
import {CompositionScene} from "./lib/Scene.sol";

/// Uses what it is given to the last unit, having first said how much that was.
contract Meter {
    uint256 public had;

    fallback() external {
        had = gasleft();
        while (gasleft() > 300) {}
    }
}

contract CallbackTest is CompositionScene {
    Callee internal callee;
    uint32 internal constant GAS = 300_000;

    function setUp() public override {
        super.setUp();
        callee = new Callee();
        terms.graceSeconds = 600;
        terms.callbackTarget = address(callee);
        terms.callbackGas = GAS;
    }

    function values() internal pure returns (Commitment[] memory list) {
        list = new Commitment[](1);
        list[0] = Commitment("label", "raw/v1", abi.encode(uint256(7)));
    }

    /// A request with a callback at this state, accepted for the answer 7.
    function accepted(State state) internal returns (bytes32 outputs) {
        terms.callbackState = uint8(state);
        ask(1, hex"00");
        outputs = this.listHash(values());
        Submission memory s = piece(0, CLAIMANT_KEY, outputs, "evidence");
        script(s, Status.Accepted, 0);
        settlement.submit(order, requirement, s);
    }

    function status() internal view returns (uint256) {
        return uint256(settlement.getResult(id).callback);
    }

    function test_calledAtDelivered() public {
        bytes32 outputs = accepted(State.Delivered);
        assertEq(callee.times(), 0);
        assertEq(status(), uint256(Callback.None));
        settlement.deliver(order, values());
        assertEq(callee.times(), 1);
        assertEq(callee.lastId(), id);
        assertEq(callee.lastSender(), address(settlement));
        assertEq(callee.lastValue(), bytes32(uint256(7)));
        (address who, bytes32 committed, uint8 satisfied, bool stale) = callee.lastAnswer();
        assertEq(who, claimant);
        assertEq(committed, outputs);
        assertEq(satisfied, 1);
        assertTrue(!stale, "not stale");
        assertEq(status(), uint256(Callback.Succeeded));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingToRetry.selector, id));
        settlement.retryCallback(order, values(), 0);
    }

    function test_calledAtAccepted() public {
        accepted(State.Accepted);
        assertEq(callee.times(), 1);
        assertEq(callee.lastCount(), 0);
        settlement.deliver(order, values());
        assertEq(callee.times(), 1);
    }

    function test_calledWhenAFinalizationDecides() public {
        terms.callbackState = uint8(State.Accepted);
        ask(1, hex"00");
        Submission memory s = wait(0, CLAIMANT_KEY, NOW + 1 days);
        script(s, Status.Accepted, 0);
        settlement.finalize(order, requirement, s);
        assertEq(callee.times(), 1);
    }

    function test_failureIsAnEventAndTouchesNoMoney() public {
        Callee.Manner[2] memory manners = [Callee.Manner.Reverts, Callee.Manner.BurnsGas];
        for (uint256 i = 0; i < 2; ++i) {
            callee.set(manners[i]);
            accepted(State.Accepted);
            assertEq(credit(claimant), (2 * i + 1) * PRICE);
            inState(State.Accepted);
            assertEq(status(), uint256(Callback.Failed));
            accepted(State.Delivered);
            settlement.deliver(order, values());
            inState(State.Delivered);
            assertEq(status(), uint256(Callback.Failed));
        }
    }

    function test_aTargetWithoutCodeFails() public {
        terms.callbackTarget = address(0xE0A);
        accepted(State.Accepted);
        assertEq(status(), uint256(Callback.Failed));
        assertEq(credit(claimant), PRICE);
    }

    function test_retry() public {
        callee.set(Callee.Manner.Reverts);
        accepted(State.Delivered);
        settlement.deliver(order, values());
        assertTrue(!settlement.retryCallback(order, values(), 0), "fails again");
        callee.set(Callee.Manner.Notes);
        Commitment[] memory wrong = values();
        wrong[0].value = abi.encode(uint256(8));
        vm.expectRevert();
        settlement.retryCallback(order, wrong, 0);
        vm.expectRevert();
        settlement.retryCallback(order, new Commitment[](0), 0);
        assertTrue(settlement.retryCallback(order, values(), 1_000_000), "succeeds");
        assertTrue(callee.leastGas() > 900_000, "with more gas");
        assertEq(callee.lastValue(), bytes32(uint256(7)));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingToRetry.selector, id));
        settlement.retryCallback(order, values(), 0);
    }

    function test_retryAtAcceptedTakesNoOutputs() public {
        callee.set(Callee.Manner.Reverts);
        bytes32 outputs = accepted(State.Accepted);
        callee.set(Callee.Manner.Notes);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.OutputsMismatch.selector, 0, outputs));
        settlement.retryCallback(order, values(), 0);
        settlement.retryCallback(order, new Commitment[](0), 0);
        assertEq(callee.lastCount(), 0);
        assertEq(callee.times(), 1);
    }

    function test_nothingToRetryBeforeTheDecision() public {
        terms.callbackState = uint8(State.Accepted);
        ask(1, hex"00");
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Open));
        settlement.retryCallback(order, new Commitment[](0), 0);
    }

    function test_whatItReturnsIsNotCopied() public {
        terms.callbackGas = 2_000_000;
        accepted(State.Delivered);
        callee.set(Callee.Manner.ReturnsMuch);
        uint256 before = gasleft();
        settlement.deliver(order, values());
        // To copy 900,000 bytes would take 1.6 million more.
        assertAtMost("gas", before - gasleft(), 1_800_000);
        assertEq(status(), uint256(Callback.Succeeded));
    }

    function test_fromWithinOnlyViewsCanBeCalled() public {
        accepted(State.Delivered);
        vm.deal(address(callee), 1 ether);
        bytes[] memory calls = new bytes[](7);
        calls[0] = abi.encodeCall(settlement.withdraw, (address(0), payable(address(callee))));
        calls[1] = abi.encodeCall(settlement.refund, (order));
        calls[2] = abi.encodeCall(settlement.deliver, (order, values()));
        calls[3] = abi.encodeCall(settlement.retryCallback, (order, values(), 0));
        calls[4] = abi.encodeCall(settlement.submit, (order, requirement, piece(0, CLAIMANT_KEY)));
        calls[5] = abi.encodeCall(settlement.request, (order, policies, hex"00"));
        calls[6] = abi.encodeCall(settlement.attach, (order, requirement, piece(0, CLAIMANT_KEY)));
        callee.attack(address(settlement), calls);
        terms.callbackGas = 2_000_000;
        accepted(State.Delivered);
        settlement.deliver(order, values());
        assertEq(status(), uint256(Callback.Succeeded));
        assertEq(callee.reentered(), 0);
        bytes[] memory views = new bytes[](1);
        views[0] = abi.encodeCall(settlement.getResult, (id));
        callee.attack(address(settlement), views);
        accepted(State.Accepted);
        assertEq(callee.reentered(), 1);
    }

    /// Whatever the transaction's gas, the callback has all of what the terms say or the transaction is refused.
    function testFuzz_theCallbackHasAllItsGasOrNothingHappens(uint256 gas_) public {
        Meter meter = new Meter();
        terms.callbackTarget = address(meter);
        terms.callbackGas = 100_000;
        accepted(State.Delivered);
        gas_ = bound(gas_, 60_000, 260_000);
        (bool ok,) = address(settlement).call{gas: gas_}(abi.encodeCall(settlement.deliver, (order, values())));
        if (ok) {
            inState(State.Delivered);
            assertTrue(meter.had() > 99_700, "all its gas");
            assertEq(status(), uint256(Callback.Succeeded));
        } else {
            inState(State.Accepted);
            assertEq(meter.had(), 0);
        }
    }

    /// Walks the boundary unit by unit: there is no amount of gas at which it is called with less.
    function test_theBoundaryOfTheGasRule() public {
        Meter meter = new Meter();
        terms.callbackTarget = address(meter);
        terms.callbackGas = 100_000;
        accepted(State.Delivered);
        bytes memory data = abi.encodeCall(settlement.deliver, (order, values()));
        (uint256 lo, uint256 hi) = (60_000, 260_000);
        while (hi - lo > 1) {
            uint256 mid = (lo + hi) / 2;
            (bool ok, bool called, uint256 had) = this.attempt(data, mid, meter);
            assertTrue(!ok || (called && had > 99_700), "all or nothing");
            if (ok) hi = mid;
            else lo = mid;
        }
        (bool least,, uint256 gas_) = this.attempt(data, hi, meter);
        assertTrue(least && gas_ > 99_700 && gas_ < 100_000, "at the boundary");
    }

    /// Tries and takes back what it did, so that the next try finds the same.
    function attempt(bytes calldata data, uint256 gas_, Meter meter) external returns (bool, bool, uint256) {
        try this.tried(data, gas_, meter) {} catch (bytes memory result) {
            return abi.decode(result, (bool, bool, uint256));
        }
        revert();
    }

    function tried(bytes calldata data, uint256 gas_, Meter meter) external {
        (bool ok,) = address(settlement).call{gas: gas_}(data);
        bytes memory result = abi.encode(ok, status() != 0, meter.had());
        assembly {
            revert(add(result, 32), mload(result))
        }
    }

    function test_staleAnswersSaySo() public {
        terms.validUntil = NOW + 2 hours;
        accepted(State.Delivered);
        Result memory r = settlement.getResult(id);
        assertEq(r.validUntil, NOW + 2 hours);
        assertTrue(!r.stale, "fresh");
        vm.warp(NOW + 2 hours);
        assertTrue(!settlement.getResult(id).stale, "to the last second");
        vm.warp(NOW + 2 hours + 1);
        assertTrue(settlement.getResult(id).stale, "stale");
        settlement.deliver(order, values());
        (,,, bool stale) = callee.lastAnswer();
        assertTrue(stale, "the callback says so");
    }

    function test_quote() public {
        terms.tipWei = 5;
        terms.callbackState = uint8(State.Delivered);
        compose(1, hex"00");
        Quote memory q = settlement.quote(order, 3);
        assertEq(q.escrow, PRICE + 5);
        assertEq(q.valueWei, PRICE + 5);
        assertTrue(q.callbackGas > GAS && q.callbackGas < GAS + 20_000, "gas");
        assertEq(q.callbackWei, 3 * q.callbackGas);
        delete terms;
        terms.token = address(1);
        compose(1, hex"00");
        q = settlement.quote(order, 3);
        assertEq(q.escrow, PRICE);
        assertEq(q.valueWei, 0);
        assertEq(q.callbackGas, 0);
    }

    function test_outputsHaveALimit() public {
        Commitment[] memory list = new Commitment[](1);
        list[0] = Commitment("label", "raw/v1", new bytes(17_000));
        delete terms;
        ask(1, hex"00");
        Submission memory s = piece(0, CLAIMANT_KEY, this.listHash(list), "evidence");
        script(s, Status.Accepted, 0);
        settlement.submit(order, requirement, s);
        vm.expectRevert();
        settlement.deliver(order, list);
        inState(State.Accepted);
    }

    /// The bound of a whole transaction is 120,000: with a callback that uses all of its 50,000.
    function test_gasOfADeliveryWithACallback() public {
        Meter meter = new Meter();
        terms.callbackTarget = address(meter);
        terms.callbackGas = 50_000;
        accepted(State.Delivered);
        bytes memory data = abi.encodeCall(settlement.deliver, (order, values()));
        uint256 intrinsic = 21_000;
        for (uint256 i = 0; i < data.length; ++i) {
            intrinsic += data[i] == 0 ? 4 : 16;
        }
        uint256 before = gasleft();
        (bool ok,) = address(settlement).call(data);
        uint256 used = before - gasleft();
        assertTrue(ok && meter.had() > 49_700, "called");
        assertAtMost("deliver", used + intrinsic, 120_000);
    }
}
