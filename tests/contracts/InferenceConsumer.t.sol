// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Commitment, Policy, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";
import {Answer} from "@veristack/settlement-evm/contracts/IInferenceCallback.sol";
import {InferenceConsumer} from "@veristack/settlement-evm/contracts/InferenceConsumer.sol";
import {Callback, ISettlement, Order, State, Submission} from "@veristack/settlement-evm/contracts/ISettlement.sol";
import {MockSettlement} from "@veristack/settlement-evm/contracts/mocks/MockSettlement.sol";
import {Coin} from "./lib/Doubles.sol";
import {CompositionScene} from "./lib/Scene.sol";

/// Asks what it is told to, and keeps the last answer.
contract Consumer is InferenceConsumer {
    uint256 public answers;
    bool public isGreedy;
    uint8 public satisfied;

    constructor(ISettlement s) InferenceConsumer(s, 0, 100 ether, msg.sender) {}

    function ask(Order memory order, Policy[] memory policies, bytes memory formula) external returns (bytes32) {
        return _ask(order, policies, formula);
    }

    function reclaim(address token, address to) external returns (uint256) {
        return _reclaim(token, to);
    }

    function beGreedy() external {
        isGreedy = true;
    }

    function isAwaited(bytes32 id) external view returns (bool) {
        return _isAwaited(id);
    }

    function _onAnswer(bytes32, Answer memory answer, Commitment[] calldata) internal override {
        if (isGreedy) _reclaim(address(0), address(1));
        ++answers;
        satisfied = answer.satisfied;
    }
}

/// A consumer's base with the real settlement contract.
contract InferenceConsumerTest is CompositionScene {
    bytes internal constant ANY = hex"0001800102";
    bytes internal constant TWO_OF_THREE = hex"000102800203";
    Consumer internal consumer;

    function setUp() public override {
        super.setUp();
        consumer = new Consumer(settlement);
        vm.deal(address(consumer), 100 ether);
        payer = address(consumer);
        terms.graceSeconds = 600;
        (terms.callbackTarget, terms.callbackGas) = (address(consumer), 200_000);
        terms.callbackState = uint8(State.Delivered);
    }

    function values() internal pure returns (Commitment[] memory list) {
        list = new Commitment[](1);
        list[0] = Commitment("label", "raw/v1", abi.encode(uint256(7)));
    }

    function consumerAsks(uint256 leaves, bytes memory formula) internal {
        compose(leaves, formula);
        for (uint256 i = 0; i < leaves; ++i) {
            consumer.allowVerifier(address(verifiers[i]), policies[i].codeHash, "");
        }
        id = consumer.ask(order, policies, formula);
    }

    function accepts(uint8 leaf) internal returns (Submission memory s) {
        s = piece(leaf, CLAIMANT_KEY, this.listHash(values()), "evidence");
        script(s, Status.Accepted, 0);
    }

    function submitted(uint8 leaf) internal {
        settlement.submit(order, requirement, accepts(leaf));
    }

    function attached(uint8 leaf) internal {
        settlement.attach(order, requirement, accepts(leaf));
    }

    function callbackIs(Callback expected) internal view {
        assertEq(uint256(settlement.getResult(id).callback), uint256(expected));
    }

    /// Whoever can forge for a stopped verifier attaches it to an answer that never needed it.
    function test_aStoppedVerifierThatIsAttachedKeepsNoAnswerOut() public {
        consumerAsks(2, ANY);
        submitted(0);
        consumer.stopVerifier(address(verifiers[1]));
        attached(1);
        settlement.deliver(order, values());
        callbackIs(Callback.Succeeded);
        assertEq(consumer.answers(), 1);
        assertEq(consumer.satisfied(), 1); // the stopped one is not named
        assertTrue(!consumer.isAwaited(id), "answered");
    }

    function test_aStoppedVerifierThatIsAttachedKeepsNoRetryOut() public {
        terms.callbackGas = 1; // fails at first
        consumerAsks(3, TWO_OF_THREE);
        submitted(2);
        submitted(0);
        settlement.deliver(order, values());
        callbackIs(Callback.Failed);
        consumer.stopVerifier(address(verifiers[1]));
        attached(1);
        assertTrue(settlement.retryCallback(order, values(), 200_000), "taken");
        assertEq(consumer.satisfied(), 5);
    }

    function test_whatNeedsAStoppedVerifierIsRefusedUntilAnotherIsAttached() public {
        consumerAsks(2, ANY);
        submitted(0);
        consumer.stopVerifier(address(verifiers[0]));
        settlement.deliver(order, values());
        callbackIs(Callback.Failed);
        assertTrue(!settlement.retryCallback(order, values(), 0), "still refused");
        assertEq(consumer.answers(), 0);
        Answer memory a;
        a.satisfied = 1;
        vm.prank(address(settlement));
        vm.expectRevert(
            abi.encodeWithSelector(InferenceConsumer.StoppedVerifier.selector, address(verifiers[0]))
        );
        consumer.onInferenceResult(id, a, values());
        attached(1); // it accepts this very claim
        assertTrue(settlement.retryCallback(order, values(), 0), "taken");
        assertEq(consumer.satisfied(), 2);
        assertEq(consumer.answers(), 1);
    }

    function test_allOfNeedsEachOfThem() public {
        consumerAsks(2, hex"0001800202");
        submitted(0);
        submitted(1);
        consumer.stopVerifier(address(verifiers[1]));
        settlement.deliver(order, values());
        callbackIs(Callback.Failed);
    }

    function test_aTokenThatWasNeverSetIsNotCalled() public {
        compose(1, hex"00");
        consumer.allowVerifier(address(verifiers[0]), policies[0].codeHash, "");
        // Its code would run with the consumer as caller.
        (order.request.priceWei, order.terms.tipWei, order.terms.token) = (0, 0, address(verifiers[0]));
        vm.expectRevert(
            abi.encodeWithSelector(InferenceConsumer.PriceTooHigh.selector, address(verifiers[0]), 0, 0)
        );
        consumer.ask(order, policies, hex"00");
    }

    function test_aFormulaOfMoreThanAWord() public {
        // all(any(0..7), any(0..7), any(0..7), any(0..7)): 47 bytes.
        bytes memory group = hex"0001020304050607800108";
        consumerAsks(8, bytes.concat(group, group, group, group, hex"800404"));
        submitted(3);
        consumer.stopVerifier(address(verifiers[5]));
        attached(5);
        settlement.deliver(order, values());
        callbackIs(Callback.Succeeded);
        assertEq(consumer.satisfied(), 8);
    }

    /// A consumer that would never get its answer must not pass its tests with the double.
    function test_theDoublesCallbacksAreGuardedToo() public {
        terms.tipWei = 7;
        consumerAsks(1, hex"00");
        consumer.beGreedy();
        submitted(0);
        settlement.deliver(order, values());
        callbackIs(Callback.Failed);

        MockSettlement mock = new MockSettlement();
        consumer = new Consumer(mock);
        (payer, terms.callbackTarget) = (address(consumer), address(consumer));
        vm.deal(address(consumer), 100 ether);
        consumerAsks(1, hex"00");
        consumer.beGreedy();
        assertTrue(!mock.answer(id, claimant, 1, values()), "it reclaims from within");
        Commitment[] memory others = values();
        others[0].value = "another";
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlement.OutputsMismatch.selector, this.listHash(values()), this.listHash(others)
            )
        );
        mock.retryCallback(order, others, 0);
        assertTrue(!mock.retryCallback(order, values(), 0), "nor again");
        assertEq(consumer.answers(), 0);
    }

    function test_theDoubleRetriesWithMoreGas() public {
        MockSettlement mock = new MockSettlement();
        consumer = new Consumer(mock);
        (payer, terms.callbackTarget, terms.callbackGas) = (address(consumer), address(consumer), 1);
        vm.deal(address(consumer), 100 ether);
        consumerAsks(1, hex"00");
        assertTrue(!mock.answer(id, claimant, 1, values()), "too little");
        assertTrue(!mock.retryCallback(order, values(), 0), "too little again");
        assertTrue(mock.retryCallback(order, values(), 200_000), "enough");
        assertEq(consumer.answers(), 1);
    }

    /// What a consumer does with a question that nobody answered can be tested with the double.
    function test_theDoubleGivesBackWhatNobodyAnswered() public {
        MockSettlement mock = new MockSettlement();
        consumer = new Consumer(mock);
        (payer, terms.callbackTarget) = (address(consumer), address(consumer));
        vm.deal(address(consumer), 100 ether);
        consumerAsks(1, hex"00");
        vm.expectRevert(abi.encodeWithSelector(ISettlement.RefundTooEarly.selector, refundTime()));
        mock.refund(order);
        vm.warp(refundTime());
        mock.refund(order);
        assertTrue(!consumer.isAwaited(id), "refunded");
        assertEq(consumer.reclaim(address(0), squatter), PRICE);
    }

    function test_theDoubleGivesBackWithoutWaitingWhereATestSaysSo() public {
        MockSettlement mock = new MockSettlement();
        consumer = new Consumer(mock);
        (payer, terms.callbackTarget) = (address(consumer), address(consumer));
        vm.deal(address(consumer), 100 ether);
        consumerAsks(1, hex"00");
        mock.refundNow(id);
        assertEq(consumer.reclaim(address(0), squatter), PRICE);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Refunded));
        mock.refundNow(id);
    }

    function test_refundsAndTipsThatComeBackCanBeTakenOut() public {
        terms.tipWei = 7;
        consumerAsks(1, hex"00");
        assertEq(consumer.reclaim(address(0), squatter), 0);
        submitted(0);
        assertEq(consumer.reclaim(address(0), squatter), 7);
        assertEq(squatter.balance, 7);
        consumerAsks(1, hex"00");
        assertTrue(consumer.isAwaited(id), "asked");
        vm.warp(refundTime());
        settlement.refund(order);
        assertTrue(!consumer.isAwaited(id), "refunded");
        assertEq(consumer.reclaim(address(0), squatter), PRICE + 7);
        assertEq(squatter.balance, PRICE + 14);
        assertEq(consumer.reclaim(address(0), squatter), 0);
    }

    function test_tokensThatComeBackCanBeTakenOut() public {
        Coin coin = new Coin();
        coin.mint(address(consumer), PRICE);
        consumer.setMaximumPrice(address(coin), PRICE);
        terms.token = address(coin);
        consumerAsks(1, hex"00");
        vm.warp(refundTime());
        settlement.refund(order);
        assertEq(consumer.reclaim(address(coin), address(consumer)), PRICE);
        assertEq(coin.balanceOf(address(consumer)), PRICE);
    }
}
