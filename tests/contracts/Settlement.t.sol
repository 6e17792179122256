// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Claim, Commitment, Policy, Terms, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {IClaimVerifier, Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";
import {
    ISettlement,
    Order,
    Requirement,
    Result,
    SettlementTerms,
    State,
    Submission
} from "@veristack/settlement-evm/contracts/ISettlement.sol";
import {Settlement} from "@veristack/settlement-evm/contracts/Settlement.sol";
import {Scene, ScriptedVerifier} from "./lib/Scene.sol";

contract SettlementTest is Scene {
    ScriptedVerifier internal verifier;
    Policy internal policy;
    Requirement internal requirement;
    SettlementTerms internal terms;
    Order internal order;
    bytes32 internal id;
    bytes32 internal constant OUTPUTS = keccak256("outputs");

    function setUp() public override {
        super.setUp();
        verifier = new ScriptedVerifier();
        policy = policyOf(address(verifier));
        requirement = requirementOf(policy);
        terms.graceSeconds = 600;
        order = orderOf(policy, terms, keccak256("inputs"), 1);
        id = place(order, policy);
    }

    function submission(uint256 key, bytes32 outputs) internal view returns (Submission memory) {
        return submissionOf(order, policy, key, outputs, "evidence");
    }

    function digestOf(Submission memory s) internal view returns (bytes32) {
        return TypedData.digest(claimFor(order, s.claimant, s.outputs));
    }

    function script(Submission memory s, Status status, uint64 finalAt) internal {
        verifier.set(digestOf(s), status, finalAt);
    }

    function inState(State expected) internal view {
        assertEq(uint256(settlement.getResult(id).state), uint256(expected));
    }

    function credit(address who) internal view returns (uint256) {
        return settlement.creditOf(address(0), who);
    }

    function refundTime() internal view returns (uint256) {
        return uint256(order.request.expiresAt) + terms.graceSeconds + 1;
    }

    // ---- request ----

    function test_requestEscrowsThePrice() public view {
        inState(State.Open);
        assertEq(address(settlement).balance, PRICE);
        assertEq(id, settlement.requestId(order));
    }

    function test_requestTwice() public {
        Policy[] memory list = new Policy[](1);
        list[0] = policy;
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.AlreadyRequested.selector, id));
        settlement.request{value: PRICE}(order, list, hex"00");
    }

    function refusesRequest(Order memory o, Policy memory p, bytes memory formula, uint256 value, bytes memory why)
        internal
    {
        Policy[] memory list = new Policy[](1);
        list[0] = p;
        vm.prank(payer);
        vm.expectRevert(why);
        settlement.request{value: value}(o, list, formula);
    }

    function test_requestRefusesWrongValue() public {
        order.request.nonce = bytes32(uint256(2));
        refusesRequest(
            order, policy, hex"00", PRICE - 1, abi.encodeWithSelector(ISettlement.WrongValue.selector, PRICE, PRICE - 1)
        );
        refusesRequest(
            order, policy, hex"00", PRICE + 1, abi.encodeWithSelector(ISettlement.WrongValue.selector, PRICE, PRICE + 1)
        );
    }

    function test_requestRefusesAnotherSender() public {
        order.request.payer = squatter;
        refusesRequest(
            order, policy, hex"00", PRICE, abi.encodeWithSelector(ISettlement.NotPayer.selector, squatter, payer)
        );
    }

    function test_requestRefusesExpiries() public {
        uint64[3] memory bad = [uint64(0), NOW - 1, NOW + 366 days + 1];
        for (uint256 i = 0; i < 3; ++i) {
            order.request.expiresAt = bad[i];
            refusesRequest(
                order, policy, hex"00", PRICE, abi.encodeWithSelector(ISettlement.BadExpiry.selector, bad[i])
            );
        }
    }

    function test_requestRefusesBadTerms() public {
        SettlementTerms memory t = terms;
        t.callbackTarget = address(1);
        refusesCallback(t); // without gas and state
        t.callbackGas = 50_000;
        refusesCallback(t);
        for (uint8 state = 0; state < 7; ++state) {
            if (state == uint8(State.Accepted) || state == uint8(State.Delivered)) continue;
            t.callbackState = state;
            refusesCallback(t);
        }
        t.callbackState = uint8(State.Delivered);
        t.callbackGas = 2_000_001;
        refusesCallback(t);
        t.callbackGas = 50_000;
        t.callbackTarget = address(settlement);
        refusesCallback(t);
        t.callbackTarget = address(0);
        refusesCallback(t);
        t = terms;
        t.callbackState = uint8(State.Accepted);
        refusesCallback(t);
        t = terms;
        t.validUntil = NOW + 1 hours - 1;
        refusesTerms(t, abi.encodeWithSelector(ISettlement.BadValidity.selector, NOW + 1 hours - 1));
        t.validUntil = uint64(type(uint32).max) + 1;
        refusesTerms(t, abi.encodeWithSelector(ISettlement.BadValidity.selector, uint64(type(uint32).max) + 1));
        t = terms;
        t.tipWei = 1;
        refusesTerms(t, abi.encodeWithSelector(ISettlement.WrongValue.selector, PRICE + 1, PRICE));
        t = terms;
        t.graceSeconds = 90 days + 1;
        refusesTerms(t, abi.encodeWithSelector(ISettlement.BadGrace.selector, 90 days + 1));
        t = terms;
        t.exclusiveUntil = NOW + 1;
        refusesTerms(t, abi.encodeWithSelector(ISettlement.BadExclusivity.selector, address(0), NOW + 1));
        t = terms;
        t.exclusiveClaimant = claimant;
        refusesTerms(t, abi.encodeWithSelector(ISettlement.BadExclusivity.selector, claimant, 0));
    }

    function refusesCallback(SettlementTerms memory t) internal {
        refusesTerms(
            t,
            abi.encodeWithSelector(
                ISettlement.BadCallback.selector, t.callbackTarget, t.callbackGas, t.callbackState
            )
        );
    }

    function refusesTerms(SettlementTerms memory t, bytes memory why) internal {
        refusesRequest(orderOf(policy, t, keccak256("inputs"), 3), policy, hex"00", PRICE, why);
    }

    function test_requestRefusesTermsThatItDoesNotHash() public {
        bytes32 expected = order.request.terms;
        order.terms.graceSeconds += 1;
        bytes32 actual = TypedData.hash(Terms(order.application, termsHash(order.terms)));
        refusesRequest(
            order, policy, hex"00", PRICE, abi.encodeWithSelector(ISettlement.TermsMismatch.selector, expected, actual)
        );
    }

    function test_requestRefusesAnotherFormula() public {
        bytes32[] memory leaves = requirementOf(policy).leaves;
        bytes32 actual = this.requirementHash(leaves, hex"00800101");
        refusesRequest(
            order,
            policy,
            hex"00800101",
            PRICE,
            abi.encodeWithSelector(ISettlement.RequirementMismatch.selector, order.request.requirement, actual)
        );
    }

    function test_requestRefusesAPolicyThatItDoesNotHash() public {
        Policy memory p = policy;
        p.params = hex"01";
        bytes32 actual = this.requirementHash(requirementOf(p).leaves, hex"00");
        refusesRequest(
            order,
            p,
            hex"00",
            PRICE,
            abi.encodeWithSelector(ISettlement.RequirementMismatch.selector, order.request.requirement, actual)
        );
    }

    function test_requestRefusesAnAbsentVerifier() public {
        Policy memory p = policyOf(address(0xDEAD));
        refusesRequest(
            orderOf(p, terms, keccak256("inputs"), 4),
            p,
            hex"00",
            PRICE,
            abi.encodeWithSelector(ISettlement.VerifierChanged.selector, address(0xDEAD), p.codeHash, p.codeHash)
        );
    }

    // ---- submit ----

    function test_acceptedClaimIsPaidOnce() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Accepted, 0);
        vm.prank(squatter); // anyone may carry it in
        settlement.submit(order, requirement, s);
        Result memory r = settlement.getResult(id);
        assertEq(uint256(r.state), uint256(State.Accepted));
        assertEq(r.claimant, claimant);
        assertEq(r.outputs, OUTPUTS);
        assertEq(r.satisfied, 1);
        assertEq(r.acceptedAt, NOW);
        assertEq(credit(claimant), PRICE);
        assertEq(credit(squatter), 0);

        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Accepted));
        settlement.submit(order, requirement, s);
        Submission memory other = submission(SQUATTER_KEY, OUTPUTS);
        script(other, Status.Accepted, 0);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Accepted));
        settlement.submit(order, requirement, other);
        vm.warp(refundTime());
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Accepted));
        settlement.refund(order);
        assertEq(credit(claimant), PRICE);
    }

    function test_rejectedEvidence() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.EvidenceRejected.selector, address(verifier)));
        settlement.submit(order, requirement, s);
    }

    function test_deadlineBoundsSubmission() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Accepted, 0);
        vm.warp(order.request.expiresAt + 1);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.SubmissionClosed.selector, order.request.expiresAt));
        settlement.submit(order, requirement, s);
        vm.warp(order.request.expiresAt);
        settlement.submit(order, requirement, s);
        inState(State.Accepted);
    }

    function test_aChangedRequestIsAnUnknownOne() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Accepted, 0);
        order.request.priceWei += 1;
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.WrongState.selector, settlement.requestId(order), State.None)
        );
        settlement.submit(order, requirement, s);
    }

    function test_requestOfAnotherChainOrContractIsUnknown() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Accepted, 0);
        Settlement another = new Settlement();
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, another.requestId(order), State.None));
        another.submit(order, requirement, s);
        vm.chainId(1337);
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.WrongState.selector, settlement.requestId(order), State.None)
        );
        settlement.submit(order, requirement, s);
    }

    function test_signatures() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Accepted, 0);
        bytes memory good = s.signature;

        s.claimant = squatter; // a front-runner puts his own name in
        script(s, Status.Accepted, 0);
        refusesSignature(s);
        s.claimant = claimant;
        s.outputs = keccak256("other outputs");
        script(s, Status.Accepted, 0);
        refusesSignature(s);
        s.outputs = OUTPUTS;

        (uint8 v, bytes32 r, bytes32 ss) = vm.sign(CLAIMANT_KEY, digestOf(s));
        uint256 n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        s.signature = abi.encodePacked(r, bytes32(n - uint256(ss)), v == 27 ? uint8(28) : uint8(27));
        refusesSignature(s);
        s.signature = abi.encodePacked(r, ss, uint8(v - 27));
        refusesSignature(s);
        s.signature = bytes.concat(good, hex"00");
        refusesSignature(s);
        s.signature = "";
        refusesSignature(s);
        s.claimant = address(0);
        script(s, Status.Accepted, 0);
        refusesSignature(s);
        s.claimant = claimant;
        s.signature = good;
        settlement.submit(order, requirement, s);
    }

    function refusesSignature(Submission memory s) internal {
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BadSignature.selector, s.claimant));
        settlement.submit(order, requirement, s);
    }

    function test_policyRequirementAndTermsAreTheRequestsOwn() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Accepted, 0);
        ScriptedVerifier friendly = new ScriptedVerifier();
        friendly.set(digestOf(s), Status.Accepted, 0);
        s.policy = policyOf(address(friendly));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.PolicyMismatch.selector, 0));
        settlement.submit(order, requirement, s);

        Requirement memory own = requirementOf(s.policy);
        bytes32 actual = this.requirementHash(own.leaves, own.formula);
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.RequirementMismatch.selector, order.request.requirement, actual)
        );
        settlement.submit(order, own, s);

        s.policy = policy;
        s.leaf = 1;
        vm.expectRevert(abi.encodeWithSelector(ISettlement.PolicyMismatch.selector, 1));
        settlement.submit(order, requirement, s);
        s.leaf = 0;

        Order memory o = order;
        o.terms.graceSeconds += 1;
        actual = TypedData.hash(Terms(o.application, termsHash(o.terms)));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.TermsMismatch.selector, o.request.terms, actual));
        settlement.submit(o, requirement, s);
    }

    function test_verifierSwappedAfterTheRequest() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Accepted, 0);
        vm.etch(address(verifier), hex"60006000f3");
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlement.VerifierChanged.selector, address(verifier), policy.codeHash, address(verifier).codehash
            )
        );
        settlement.submit(order, requirement, s);
    }

    function test_exclusivePeriod() public {
        terms.exclusiveClaimant = claimant;
        terms.exclusiveUntil = NOW + 60;
        order = orderOf(policy, terms, keccak256("inputs"), 5);
        id = place(order, policy);
        Submission memory other = submission(SQUATTER_KEY, OUTPUTS);
        script(other, Status.Accepted, 0);
        vm.warp(NOW + 60);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.Exclusive.selector, claimant, NOW + 60));
        settlement.submit(order, requirement, other);
        vm.warp(NOW + 61);
        settlement.submit(order, requirement, other);
        assertEq(credit(squatter), PRICE);
    }

    function test_theChosenClaimantMaySubmitInTheExclusivePeriod() public {
        terms.exclusiveClaimant = claimant;
        terms.exclusiveUntil = NOW + 60;
        order = orderOf(policy, terms, keccak256("inputs"), 5);
        id = place(order, policy);
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Accepted, 0);
        settlement.submit(order, requirement, s);
        assertEq(credit(claimant), PRICE);
    }

    // ---- pending ----

    function test_pendingBlocksTheRefundUntilDecided() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Pending, NOW + 2 days);
        settlement.submit(order, requirement, s);
        inState(State.Pending);
        assertEq(settlement.pendingUntil(digestOf(s), 0, keccak256("evidence")), NOW + 2 days);
        vm.warp(refundTime());
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Pending));
        settlement.refund(order);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotFinal.selector, NOW + 2 days));
        settlement.finalize(order, requirement, s);

        script(s, Status.Accepted, 0);
        vm.warp(NOW + 2 days);
        settlement.finalize(order, requirement, s);
        inState(State.Accepted);
        assertEq(credit(claimant), PRICE);
        assertEq(settlement.getResult(id).pending, 0);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Accepted));
        settlement.finalize(order, requirement, s);
    }

    function test_aDroppedClaimOpensTheRequestAgain() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Pending, NOW + 1 days);
        settlement.submit(order, requirement, s);
        script(s, Status.Rejected, 0);
        settlement.finalize(order, requirement, s);
        inState(State.Open);
        Submission memory right = submission(SQUATTER_KEY, keccak256("right"));
        script(right, Status.Accepted, 0);
        settlement.submit(order, requirement, right);
        assertEq(credit(squatter), PRICE);
        assertEq(credit(claimant), 0);
    }

    function test_refundAfterADroppedClaim() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Pending, NOW + 1 days);
        settlement.submit(order, requirement, s);
        vm.warp(NOW + 1 days);
        script(s, Status.Rejected, 0);
        settlement.finalize(order, requirement, s);
        settlement.refund(order);
        assertEq(credit(payer), PRICE);
    }

    function test_aWrongPendingClaimDoesNotBlockTheRightOne() public {
        Submission memory wrong = submission(SQUATTER_KEY, keccak256("wrong"));
        script(wrong, Status.Pending, NOW + 1 days);
        settlement.submit(order, requirement, wrong);
        Submission memory right = submission(CLAIMANT_KEY, OUTPUTS);
        script(right, Status.Accepted, 0);
        settlement.submit(order, requirement, right);
        assertEq(credit(claimant), PRICE);
        // What was pending is void now, whatever its verifier says.
        script(wrong, Status.Accepted, 0);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Accepted));
        settlement.finalize(order, requirement, wrong);
    }

    function test_worseEvidenceForTheSameClaimDoesNotBlockBetter() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Pending, NOW + 1 days);
        Submission memory worse = s;
        worse.evidence = "worse";
        vm.prank(squatter);
        settlement.submit(order, requirement, worse);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.AlreadyPending.selector, digestOf(s)));
        settlement.submit(order, requirement, worse);
        s.evidence = "evidence";
        script(s, Status.Accepted, 0);
        settlement.submit(order, requirement, s);
        assertEq(credit(claimant), PRICE);
    }

    function test_finalizeTakesOnlyWhatWasSubmitted() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Pending, NOW + 1 days);
        settlement.submit(order, requirement, s);
        s.evidence = "other evidence";
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotPending.selector, digestOf(s)));
        settlement.finalize(order, requirement, s);
        s.evidence = "evidence";
        s.policy = policyOf(address(new ScriptedVerifier()));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.PolicyMismatch.selector, 0));
        settlement.finalize(order, requirement, s);
    }

    function test_pendingMayBeExtendedButNotForever() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Pending, NOW + 1 days);
        settlement.submit(order, requirement, s);
        vm.warp(NOW + 1 days);
        script(s, Status.Pending, NOW + 3 days);
        settlement.finalize(order, requirement, s);
        inState(State.Pending);
        script(s, Status.Pending, order.request.expiresAt + 90 days + 1);
        settlement.finalize(order, requirement, s);
        inState(State.Open);
    }

    function test_pendingWithoutAnEndInSightIsRefused() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        uint64[3] memory bad = [uint64(0), NOW, order.request.expiresAt + 90 days + 1];
        for (uint256 i = 0; i < 3; ++i) {
            script(s, Status.Pending, bad[i]);
            vm.expectRevert(abi.encodeWithSelector(ISettlement.EvidenceRejected.selector, address(verifier)));
            settlement.submit(order, requirement, s);
        }
    }

    function test_atMostSixteenPending() public {
        for (uint256 i = 0; i < 16; ++i) {
            Submission memory s = submission(SQUATTER_KEY, bytes32(i));
            script(s, Status.Pending, NOW + 1 days);
            settlement.submit(order, requirement, s);
        }
        Submission memory last = submission(CLAIMANT_KEY, OUTPUTS);
        script(last, Status.Pending, NOW + 1 days);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.TooManyPending.selector, id));
        settlement.submit(order, requirement, last);
        script(last, Status.Accepted, 0);
        settlement.submit(order, requirement, last);
        assertEq(credit(claimant), PRICE);
    }

    function test_tooLittleGasCanNotDropAPendingClaim() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Pending, NOW + 1 days);
        settlement.submit(order, requirement, s);
        script(s, Status.Rejected, 0);
        (bool ok, bytes memory why) = address(settlement).call{gas: 2_000_000}(
            abi.encodeCall(ISettlement.finalize, (order, requirement, s))
        );
        assertTrue(!ok && bytes4(why) == ISettlement.InsufficientGas.selector, "insufficient gas");
        inState(State.Pending);
    }

    function test_aPendingClaimWhoseVerifierChangedIsDropped() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Pending, NOW + 1 days);
        settlement.submit(order, requirement, s);
        vm.etch(address(verifier), hex"60006000f3");
        settlement.finalize(order, requirement, s);
        inState(State.Open);
    }

    // ---- refund ----

    function test_refundOnlyAfterDeadlineAndGrace() public {
        uint256 from = refundTime();
        vm.warp(from - 1);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.RefundTooEarly.selector, from));
        settlement.refund(order);
        vm.warp(from);
        settlement.refund(order);
        inState(State.Refunded);
        assertEq(credit(payer), PRICE);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Refunded));
        settlement.refund(order);
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Accepted, 0);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Refunded));
        settlement.submit(order, requirement, s);
        Policy[] memory list = new Policy[](1);
        list[0] = policy;
        vm.expectRevert();
        vm.prank(payer);
        settlement.request{value: PRICE}(order, list, hex"00");
    }

    // ---- deliver ----

    function outputsList() internal pure returns (Commitment[] memory list) {
        list = new Commitment[](2);
        list[0] = Commitment("label", "raw/v1", abi.encode(int256(7)));
        list[1] = Commitment("logits", "poseidon-bn254/v1", abi.encode(uint256(5)));
    }

    function test_deliver() public {
        Commitment[] memory list = outputsList();
        bytes32 outputs = this.listHash(list);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Open));
        settlement.deliver(order, list);
        Submission memory s = submission(CLAIMANT_KEY, outputs);
        script(s, Status.Accepted, 0);
        settlement.submit(order, requirement, s);
        list[0].value = abi.encode(int256(8));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.OutputsMismatch.selector, outputs, this.listHash(list)));
        settlement.deliver(order, list);
        settlement.deliver(order, outputsList());
        inState(State.Delivered);
        assertEq(settlement.getResult(id).outputs, outputs);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Delivered));
        settlement.deliver(order, outputsList());
        vm.warp(refundTime());
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Delivered));
        settlement.refund(order);
    }

    // ---- withdraw ----

    function test_withdraw() public {
        Submission memory s = submission(CLAIMANT_KEY, OUTPUTS);
        script(s, Status.Accepted, 0);
        settlement.submit(order, requirement, s);
        vm.prank(squatter);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingToWithdraw.selector, squatter, address(0)));
        settlement.withdraw(address(0), payable(squatter));
        vm.startPrank(claimant);
        vm.expectRevert(ISettlement.BadRecipient.selector);
        settlement.withdraw(address(0), payable(0));
        vm.expectRevert(ISettlement.BadRecipient.selector);
        settlement.withdraw(address(0), payable(address(settlement)));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingToWithdraw.selector, claimant, address(1)));
        settlement.withdraw(address(1), payable(claimant));
        settlement.withdraw(address(0), payable(address(0xCAFE)));
        assertEq(address(0xCAFE).balance, PRICE);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingToWithdraw.selector, claimant, address(0)));
        settlement.withdraw(address(0), payable(claimant));
        vm.stopPrank();
        assertEq(address(settlement).balance, 0);
    }

    function test_withdrawToAReenteringRecipient() public {
        Reentrant r = new Reentrant(settlement, order);
        order.request.payer = address(r);
        vm.deal(address(r), PRICE);
        id = place(order, policy);
        r.set(order);
        vm.warp(refundTime());
        settlement.refund(order);
        vm.expectRevert();
        r.withdraw(0);
        vm.expectRevert();
        r.withdraw(1);
        assertEq(credit(address(r)), PRICE);
        r.withdraw(2);
        assertEq(address(r).balance, PRICE);
        assertEq(address(settlement).balance, PRICE);
    }

    function test_noStrayMoney() public {
        (bool ok,) = address(settlement).call{value: 1}("");
        assertTrue(!ok, "no receive");
    }
}

/// Calls back into withdraw (0) or refund (1) when it is paid.
contract Reentrant {
    Settlement private settlement;
    Order private order;
    uint256 private mode;

    constructor(Settlement s, Order memory o) {
        (settlement, order) = (s, o);
    }

    function set(Order memory o) external {
        order = o;
    }

    function withdraw(uint256 m) external {
        mode = m;
        settlement.withdraw(address(0), payable(address(this)));
    }

    receive() external payable {
        if (mode == 0) settlement.withdraw(address(0), payable(address(this)));
        if (mode == 1) settlement.refund(order);
    }
}

/// Verifiers that attack: what they can do is be useless.
contract HostileVerifierTest is Scene {
    function settle(address verifier) internal returns (bool ok, bytes memory why, uint256 used) {
        Policy memory p = policyOf(verifier);
        SettlementTerms memory t;
        Order memory o = orderOf(p, t, keccak256("inputs"), uint256(uint160(verifier)));
        place(o, p);
        Submission memory s = submissionOf(o, p, CLAIMANT_KEY, keccak256("outputs"), "evidence");
        uint256 before = gasleft();
        (ok, why) =
            address(settlement).call{gas: 5_000_000}(abi.encodeCall(ISettlement.submit, (o, requirementOf(p), s)));
        used = before - gasleft();
    }

    function refused(address verifier) internal {
        (bool ok, bytes memory why, uint256 used) = settle(verifier);
        assertTrue(!ok && bytes4(why) == ISettlement.EvidenceRejected.selector, "rejected");
        assertAtMost("gas", used, 3_500_000);
        assertEq(settlement.creditOf(address(0), claimant), 0);
    }

    function test_reverts() public {
        refused(address(new Reverts()));
    }

    function test_burnsGas() public {
        refused(address(new BurnsGas()));
    }

    function test_returnsAMegabyte() public {
        refused(address(new ReturnsMuch()));
    }

    function test_returnsTooLittle() public {
        refused(address(new ReturnsLittle()));
    }

    function test_returnsNoKnownStatus() public {
        refused(address(new ReturnsUnknown()));
    }

    function test_triesToReenterOrWrite() public {
        refused(address(new Reenters(settlement)));
    }
}

contract Reverts {
    fallback() external {
        revert("no");
    }
}

contract BurnsGas {
    fallback() external {
        while (true) {}
    }
}

contract ReturnsMuch {
    fallback() external {
        assembly {
            mstore(0, 2)
            return(0, 200000)
        }
    }
}

contract ReturnsLittle {
    fallback() external {
        assembly {
            mstore(0, 2)
            return(0, 32)
        }
    }
}

contract ReturnsUnknown {
    fallback() external {
        assembly {
            mstore(0, 3)
            return(0, 64)
        }
    }
}

contract Reenters {
    Settlement private immutable settlement;

    constructor(Settlement s) {
        settlement = s;
    }

    fallback() external {
        settlement.withdraw(address(0), payable(address(this)));
        assembly {
            mstore(0, 2)
            return(0, 64)
        }
    }
}
