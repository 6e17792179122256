// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {HelpDesk} from "@example/help-desk/HelpDesk.sol";
import {Commitment, Policy, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";
import {Answer} from "@veristack/settlement-evm/contracts/IInferenceCallback.sol";
import {InferenceConsumer} from "@veristack/settlement-evm/contracts/InferenceConsumer.sol";
import {
    Callback,
    ISettlement,
    Order,
    Result,
    SettlementTerms,
    State,
    Submission
} from "@veristack/settlement-evm/contracts/ISettlement.sol";
import {MockSettlement} from "@veristack/settlement-evm/contracts/mocks/MockSettlement.sol";
import {Scene, ScriptedVerifier} from "./lib/Scene.sol";

/// The help desk, and through it the consumer it inherits: with the settlement contract's double as its users would test
/// it, and once with the real one.
contract HelpDeskTest is Scene {
    MockSettlement internal mock;
    HelpDesk internal desk;
    ScriptedVerifier internal verifier;
    Policy[] internal policies;
    address internal buyer = address(0xB0);
    address internal owner = address(0x0E);
    uint256 internal constant REFUND = 52;
    uint256 internal constant PAID = 3 ether;
    string internal constant WORDS = "I want my money back";

    function setUp() public override {
        super.setUp();
        mock = new MockSettlement();
        verifier = new ScriptedVerifier();
        open(ISettlement(address(mock)));
        vm.deal(buyer, 100 ether);
    }

    function open(ISettlement s) internal {
        desk = new HelpDesk(s, PROGRAM, "label:uint8[1]", REFUND, 1 ether, owner);
        bytes32 codeHash = address(verifier).codehash;
        vm.prank(owner);
        desk.allowVerifier(address(verifier), codeHash, "");
        delete policies;
        policies.push(policyOf(address(verifier)));
    }

    function anOrder(uint256 nonce) internal returns (Order memory) {
        SettlementTerms memory t;
        t.graceSeconds = 600;
        (t.callbackTarget, t.callbackGas, t.callbackState) = (address(desk), 200_000, uint8(State.Delivered));
        payer = address(desk);
        return orderOf(policies[0], t, keccak256("features"), (uint256(uint160(buyer)) << 96) | nonce);
    }

    function bought() internal returns (uint256) {
        vm.prank(buyer);
        return desk.pay{value: PAID}();
    }

    function asked(uint256 purchase, Order memory o) internal returns (bytes32) {
        vm.prank(buyer);
        return desk.askForRefund{value: o.request.priceWei}(purchase, WORDS, o, policies, hex"00");
    }

    function label(uint256 value) internal pure returns (Commitment[] memory list) {
        list = new Commitment[](1);
        list[0] = Commitment("label:uint8[1]", "raw/v1", abi.encode(value));
    }

    function inStage(uint256 purchase, HelpDesk.Stage expected) internal view {
        (,, HelpDesk.Stage stage) = desk.purchases(purchase);
        assertEq(uint256(stage), uint256(expected));
    }

    function test_aRefundIsGrantedByTheAnswer() public {
        uint256 purchase = bought();
        bytes32 id = asked(purchase, anOrder(1));
        assertTrue(mock.answer(id, claimant, 1, label(REFUND)), "called back");
        inStage(purchase, HelpDesk.Stage.Refunded);
        uint256 before = buyer.balance;
        vm.prank(buyer);
        desk.collect();
        assertEq(buyer.balance, before + PAID);
        vm.prank(buyer);
        vm.expectRevert(HelpDesk.NothingToCollect.selector);
        desk.collect();
        assertEq(mock.creditOf(address(0), claimant), PRICE);
    }

    function test_anythingElseGoesToAPerson() public {
        uint256 purchase = bought();
        bytes32 id = asked(purchase, anOrder(1));
        mock.answer(id, claimant, 1, label(3));
        inStage(purchase, HelpDesk.Stage.WithPerson);
        vm.expectRevert();
        desk.resolve(purchase, true);
        vm.prank(owner);
        desk.resolve(purchase, false);
        inStage(purchase, HelpDesk.Stage.Closed);
    }

    function test_onlyTheSettlementContractAnswers() public {
        uint256 purchase = bought();
        bytes32 id = asked(purchase, anOrder(1));
        Answer memory a;
        vm.expectRevert(abi.encodeWithSelector(InferenceConsumer.NotSettlement.selector, address(this)));
        desk.onInferenceResult(id, a, label(REFUND));
        vm.prank(address(mock));
        vm.expectRevert(abi.encodeWithSelector(InferenceConsumer.UnknownRequest.selector, bytes32(uint256(1))));
        desk.onInferenceResult(bytes32(uint256(1)), a, label(REFUND));
        mock.answer(id, claimant, 1, label(REFUND));
        vm.prank(address(mock)); // once
        vm.expectRevert(abi.encodeWithSelector(InferenceConsumer.UnknownRequest.selector, id));
        desk.onInferenceResult(id, a, label(REFUND));
    }

    function test_aStaleAnswerIsRefused() public {
        uint256 purchase = bought();
        bytes32 id = asked(purchase, anOrder(1));
        Answer memory a;
        a.stale = true;
        vm.prank(address(mock));
        vm.expectRevert(abi.encodeWithSelector(InferenceConsumer.StaleAnswer.selector, id));
        desk.onInferenceResult(id, a, label(REFUND));
    }

    function test_aStoppedVerifiersAnswersAreRefusedHereOnly() public {
        uint256 purchase = bought();
        Order memory o = anOrder(1);
        bytes32 id = asked(purchase, o);
        vm.expectRevert();
        desk.stopVerifier(address(verifier));
        vm.prank(owner);
        desk.stopVerifier(address(verifier));
        assertTrue(!mock.answer(id, claimant, 1, label(REFUND)), "refused");
        inStage(purchase, HelpDesk.Stage.Asked);
        // The claimant has his money: stopping is about relying, not about paying.
        assertEq(mock.creditOf(address(0), claimant), PRICE);
        vm.expectRevert();
        desk.takeOver(id);
        vm.startPrank(owner);
        desk.takeOver(id);
        desk.resolve(purchase, true);
        vm.stopPrank();
        assertEq(desk.refundable(buyer), PAID);
        bytes32 codeHash = address(verifier).codehash;
        vm.prank(owner);
        desk.allowVerifier(address(verifier), codeHash, ""); // stays stopped
        uint256 second = bought();
        o = anOrder(2);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(InferenceConsumer.StoppedVerifier.selector, address(verifier)));
        desk.askForRefund{value: PRICE}(second, WORDS, o, policies, hex"00");
    }

    function refusesToAsk(Order memory o, bytes memory why) internal {
        uint256 purchase = bought();
        vm.prank(buyer);
        vm.expectRevert(why);
        desk.askForRefund{value: o.request.priceWei}(purchase, WORDS, o, policies, hex"00");
    }

    function test_theConsumersLimits() public {
        Order memory o = anOrder(1);
        o.request.expiresAt = NOW + 10 minutes - 1;
        refusesToAsk(o, abi.encodeWithSelector(InferenceConsumer.WindowTooShort.selector, o.request.expiresAt));
        o = anOrder(1);
        o.request.priceWei = 1 ether + 1;
        refusesToAsk(
            o, abi.encodeWithSelector(InferenceConsumer.PriceTooHigh.selector, address(0), 1 ether + 1, 1 ether)
        );
        o = anOrder(1);
        o.terms.token = address(1);
        refusesToAsk(o, abi.encodeWithSelector(HelpDesk.WrongFee.selector, PRICE, PRICE));
        o = anOrder(1);
        o.terms.tipWei = 1;
        refusesToAsk(o, abi.encodeWithSelector(HelpDesk.WrongFee.selector, PRICE, PRICE));
        o = anOrder(1);
        o.terms.callbackTarget = address(1);
        refusesToAsk(o, abi.encodeWithSelector(InferenceConsumer.WrongCallbackTarget.selector, address(1)));
        o = anOrder(1);
        o.request.program = keccak256("another model");
        refusesToAsk(o, abi.encodeWithSelector(HelpDesk.WrongProgram.selector, o.request.program));
        o = anOrder(1);
        ScriptedVerifier other = new ScriptedVerifier();
        policies[0].verifier = address(other);
        bytes32 codeHash = policies[0].codeHash;
        refusesToAsk(
            o, abi.encodeWithSelector(InferenceConsumer.VerifierNotAllowed.selector, address(other), codeHash)
        );
        policies[0].verifier = address(verifier);
        policies[0].codeHash = keccak256("other code");
        refusesToAsk(
            o,
            abi.encodeWithSelector(
                InferenceConsumer.VerifierNotAllowed.selector, address(verifier), policies[0].codeHash
            )
        );
        // A verifier may take from its parameters whom it believes: the buyer must not name himself.
        policies[0].codeHash = codeHash;
        policies[0].params = abi.encode(buyer);
        refusesToAsk(
            o,
            abi.encodeWithSelector(
                InferenceConsumer.ParamsNotAllowed.selector, address(verifier), policies[0].params
            )
        );
        vm.prank(owner);
        vm.expectRevert();
        desk.allowVerifier(address(0xE0A), keccak256(""), "");
    }

    function test_questionsAreNotPaidFromWhatBuyersPaid() public {
        uint256 purchase = bought();
        Order memory o = anOrder(1);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(HelpDesk.WrongFee.selector, PRICE, 0));
        desk.askForRefund(purchase, WORDS, o, policies, hex"00");
    }

    function test_onlyTheBuyerAsksAndOnce() public {
        uint256 purchase = bought();
        Order memory o = anOrder(1);
        vm.expectRevert(abi.encodeWithSelector(HelpDesk.NotYours.selector, purchase));
        desk.askForRefund(purchase, WORDS, o, policies, hex"00");
        asked(purchase, o);
        o = anOrder(2);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(HelpDesk.WrongStage.selector, purchase, HelpDesk.Stage.Asked));
        desk.askForRefund(purchase, WORDS, o, policies, hex"00");
    }

    function test_nobodyPlacesAnothersQuestionFirst() public {
        Order memory o = anOrder(1);
        address thief = address(0x7F);
        vm.deal(thief, 1 ether);
        vm.startPrank(thief);
        uint256 nothing = desk.pay();
        vm.expectRevert(abi.encodeWithSelector(HelpDesk.NotYourNonce.selector, o.request.nonce));
        desk.askForRefund{value: PRICE}(nothing, "nonsense", o, policies, hex"00");
        vm.stopPrank();
        asked(bought(), o);
    }

    function test_aQuestionHasWordsAndNotTooMany() public {
        uint256 purchase = bought();
        Order memory o = anOrder(1);
        vm.startPrank(buyer);
        vm.expectRevert(abi.encodeWithSelector(HelpDesk.BadWords.selector, 0));
        desk.askForRefund{value: PRICE}(purchase, "", o, policies, hex"00");
        vm.expectRevert(abi.encodeWithSelector(HelpDesk.BadWords.selector, 1025));
        desk.askForRefund{value: PRICE}(purchase, string(new bytes(1025)), o, policies, hex"00");
        desk.askForRefund{value: PRICE}(purchase, string(new bytes(1024)), o, policies, hex"00");
        vm.stopPrank();
    }

    function test_anAnswerWithoutALabelIsRefused() public {
        uint256 purchase = bought();
        bytes32 id = asked(purchase, anOrder(1));
        Commitment[] memory list = label(REFUND);
        list[0].scheme = "poseidon-bn254/v1";
        assertTrue(!mock.answer(id, claimant, 1, list), "refused");
        assertEq(uint256(mock.getResult(id).callback), uint256(Callback.Failed));
        inStage(purchase, HelpDesk.Stage.Asked);
    }

    /// With the real settlement contract.
    function test_wholeLife() public {
        open(settlement);
        uint256 purchase = bought();
        Order memory o = anOrder(1);
        bytes32 id = asked(purchase, o);
        bytes32 outputs = this.listHash(label(REFUND));
        Submission memory s = submissionOf(o, policies[0], CLAIMANT_KEY, outputs, "evidence");
        verifier.set(TypedData.digest(claimFor(o, claimant, outputs)), Status.Accepted, 0);
        settlement.submit(o, requirementOf(policies[0]), s);
        inStage(purchase, HelpDesk.Stage.Asked);
        settlement.deliver(o, label(REFUND));
        inStage(purchase, HelpDesk.Stage.Refunded);
        Result memory r = settlement.getResult(id);
        assertEq(uint256(r.callback), uint256(Callback.Succeeded));
        assertEq(settlement.creditOf(address(0), claimant), PRICE);
        vm.prank(buyer);
        desk.collect();
    }

    function test_anAnswerThatIsPaidForAndKeptGoesToAPerson() public {
        open(settlement);
        uint256 purchase = bought();
        Order memory o = anOrder(1);
        bytes32 id = asked(purchase, o);
        bytes32 outputs = this.listHash(label(REFUND));
        Submission memory s = submissionOf(o, policies[0], CLAIMANT_KEY, outputs, "evidence");
        verifier.set(TypedData.digest(claimFor(o, claimant, outputs)), Status.Accepted, 0);
        settlement.submit(o, requirementOf(policies[0]), s);
        vm.startPrank(owner);
        vm.warp(NOW + 10 minutes);
        vm.expectRevert(abi.encodeWithSelector(HelpDesk.NotFailed.selector, id));
        desk.takeOver(id);
        vm.warp(NOW + 10 minutes + 1);
        desk.takeOver(id);
        inStage(purchase, HelpDesk.Stage.WithPerson);
        vm.stopPrank();
        // Posted after all, it comes too late.
        settlement.deliver(o, label(REFUND));
        assertEq(uint256(settlement.getResult(id).callback), uint256(Callback.Failed));
        vm.prank(owner);
        desk.resolve(purchase, true);
        assertEq(desk.refundable(buyer), PAID);
    }

    function test_unansweredQuestionsAreTakenBack() public {
        open(settlement);
        uint256 purchase = bought();
        Order memory o = anOrder(1);
        asked(purchase, o);
        vm.warp(o.request.expiresAt + 601);
        desk.giveUp(o);
        inStage(purchase, HelpDesk.Stage.Paid);
        assertEq(desk.refundable(buyer), PRICE);
        assertEq(address(desk).balance, PAID + PRICE);
        vm.expectRevert();
        desk.giveUp(o);
        // Somebody else may have refunded the question before.
        o = anOrder(2);
        o.request.expiresAt = uint64(block.timestamp) + 1 hours;
        asked(purchase, o);
        vm.warp(o.request.expiresAt + 601);
        settlement.refund(o);
        desk.giveUp(o);
        inStage(purchase, HelpDesk.Stage.Paid);
        assertEq(desk.refundable(buyer), 2 * PRICE);
        vm.prank(buyer);
        desk.collect();
        assertEq(address(desk).balance, PAID);
    }
}
