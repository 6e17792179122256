// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Policy} from "@veristack/chain-evm/contracts/Claim.sol";
import {Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";
import {Formula} from "@veristack/settlement-evm/contracts/Formula.sol";
import {ISettlement, Result, State, Submission} from "@veristack/settlement-evm/contracts/ISettlement.sol";
import {CompositionScene, ScriptedVerifier} from "./lib/Scene.sol";

contract CompositionTest is CompositionScene {
    bytes internal constant ALL = hex"0001800202";
    bytes internal constant ANY = hex"0001800102";
    bytes internal constant TWO_OF_THREE = hex"000102800203";

    function setUp() public override {
        super.setUp();
        terms.graceSeconds = 600;
    }

    function test_allPaysOnlyWhenEveryLeafIsSatisfied() public {
        ask(2, ALL);
        satisfy(0, CLAIMANT_KEY);
        inState(State.Open);
        assertEq(credit(claimant), 0);
        (uint8 satisfied, uint8 waiting) = settlement.progressOf(digestOf(piece(0, CLAIMANT_KEY)));
        assertEq(satisfied, 1);
        assertEq(waiting, 0);
        satisfy(1, CLAIMANT_KEY);
        Result memory r = settlement.getResult(id);
        assertEq(uint256(r.state), uint256(State.Accepted));
        assertEq(r.satisfied, 3);
        assertEq(credit(claimant), PRICE);
    }

    function test_anySettlesOnItsFirstLeafAndSaysWhich() public {
        ask(2, ANY);
        satisfy(1, CLAIMANT_KEY);
        assertEq(settlement.getResult(id).satisfied, 2);
        assertEq(credit(claimant), PRICE);
    }

    function test_twoOfThreeInAnyOrder() public {
        for (uint8 i = 0; i < 3; ++i) {
            ask(3, TWO_OF_THREE);
            satisfy((i + 1) % 3, CLAIMANT_KEY);
            inState(State.Open);
            satisfy(i, CLAIMANT_KEY);
            inState(State.Accepted);
            assertEq(settlement.getResult(id).satisfied, (1 << i) | (1 << ((i + 1) % 3)));
        }
        assertEq(credit(claimant), 3 * PRICE);
    }

    function test_eightLeaves() public {
        ask(8, hex"0001020304050607800808");
        for (uint8 i = 0; i < 8; ++i) {
            inState(State.Open);
            satisfy(7 - i, CLAIMANT_KEY);
        }
        assertEq(settlement.getResult(id).satisfied, 255);
        assertEq(credit(claimant), PRICE);
    }

    function test_leavesOfDifferentClaimsDoNotAddUp() public {
        ask(2, ALL);
        satisfy(0, CLAIMANT_KEY);
        satisfy(1, SQUATTER_KEY);
        inState(State.Open);
        Submission memory other = piece(1, CLAIMANT_KEY, keccak256("other outputs"), "evidence");
        script(other, Status.Accepted, 0);
        settlement.submit(order, requirement, other);
        inState(State.Open);
        satisfy(1, CLAIMANT_KEY);
        assertEq(credit(claimant), PRICE);
        assertEq(credit(squatter), 0);
    }

    function test_aLeafIsSatisfiedOnce() public {
        ask(3, TWO_OF_THREE);
        satisfy(0, CLAIMANT_KEY);
        Submission memory again = piece(0, CLAIMANT_KEY, OUTPUTS, "other evidence");
        vm.expectRevert(abi.encodeWithSelector(ISettlement.AlreadySatisfied.selector, 0));
        settlement.submit(order, requirement, again);
        inState(State.Open);
    }

    function test_evidenceGoesToTheLeafOfItsPolicy() public {
        ask(2, ALL);
        Submission memory s = piece(0, CLAIMANT_KEY);
        script(s, Status.Accepted, 0);
        s.leaf = 1;
        vm.expectRevert(abi.encodeWithSelector(ISettlement.PolicyMismatch.selector, 1));
        settlement.submit(order, requirement, s);
    }

    function test_partsAreNoneAfterTheRefund() public {
        ask(2, ALL);
        satisfy(0, CLAIMANT_KEY);
        vm.warp(refundTime());
        settlement.refund(order); // nothing waits
        assertEq(credit(payer), PRICE);
        assertEq(credit(claimant), 0);
    }

    function test_twoLeavesOfOneClaimWait() public {
        ask(2, ALL);
        Submission memory a = wait(0, CLAIMANT_KEY, NOW + 1 days);
        Submission memory b = wait(1, CLAIMANT_KEY, NOW + 2 days);
        Result memory r = settlement.getResult(id);
        assertEq(uint256(r.state), uint256(State.Pending));
        assertEq(r.pending, 1);
        script(a, Status.Accepted, 0);
        settlement.finalize(order, requirement, a);
        inState(State.Pending);
        vm.warp(refundTime());
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Pending));
        settlement.refund(order);
        script(b, Status.Accepted, 0);
        settlement.finalize(order, requirement, b);
        inState(State.Accepted);
        assertEq(settlement.getResult(id).pending, 0);
        assertEq(credit(claimant), PRICE);
    }

    function test_aPendingLeafThatFailsLeavesTheOthers() public {
        ask(3, TWO_OF_THREE);
        Submission memory a = wait(0, CLAIMANT_KEY, NOW + 1 days);
        satisfy(1, CLAIMANT_KEY);
        script(a, Status.Rejected, 0);
        settlement.finalize(order, requirement, a);
        inState(State.Open);
        satisfy(2, CLAIMANT_KEY);
        assertEq(settlement.getResult(id).satisfied, 6);
        assertEq(credit(claimant), PRICE);
    }

    function test_secondEvidenceForASatisfiedLeafEndsItsWait() public {
        ask(3, TWO_OF_THREE);
        Submission memory a = wait(0, CLAIMANT_KEY, NOW + 1 days);
        Submission memory b = piece(0, CLAIMANT_KEY, OUTPUTS, "other evidence");
        settlement.submit(order, requirement, b);
        script(a, Status.Accepted, 0);
        settlement.finalize(order, requirement, a);
        inState(State.Pending);
        settlement.finalize(order, requirement, b); // the same leaf: counted once
        inState(State.Open);
        vm.warp(refundTime());
        settlement.refund(order);
        assertEq(credit(payer), PRICE);
    }

    /// Evidence that waits and is submitted again, when its verifier accepts it: it waits no longer, and says so once.
    function test_submittedAgainAndAcceptedItWaitsNoLonger() public {
        ask(2, ALL);
        Submission memory a = wait(0, CLAIMANT_KEY, NOW + 1 days);
        Submission memory b = piece(0, CLAIMANT_KEY, OUTPUTS, "other evidence");
        settlement.submit(order, requirement, b);
        bytes32 claim = digestOf(a);
        script(a, Status.Accepted, 0);
        vm.expectEmit(true, true, true, true, address(settlement));
        emit ISettlement.LeafSatisfied(id, claim, claimant, OUTPUTS, 0, keccak256(a.evidence), 1);
        settlement.submit(order, requirement, a);
        assertEq(settlement.pendingUntil(claim, 0, keccak256(a.evidence)), 0);
        (uint8 satisfied, uint8 waiting) = settlement.progressOf(claim);
        assertEq(satisfied, 1);
        assertEq(waiting, 1); // the other
        inState(State.Pending);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotPending.selector, claim));
        settlement.finalize(order, requirement, a);
        script(b, Status.Rejected, 0);
        settlement.finalize(order, requirement, b);
        inState(State.Open);
        vm.warp(refundTime());
        settlement.refund(order);
        assertEq(credit(payer), PRICE);
    }

    /// Filing takes the memory of evidence once and dropping it twice, beside all of the verifier's gas: long enough, it
    /// could be filed and never dropped, and its request never be refunded.
    function test_evidenceThatWaitsCanBeDropped() public {
        ask(1, hex"00");
        Submission memory s = piece(0, SQUATTER_KEY, OUTPUTS, new bytes(65_537));
        script(s, Status.Pending, NOW + 1 days);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.EvidenceTooLong.selector, 65_537));
        settlement.submit(order, requirement, s);
        s.evidence = new bytes(65_536);
        settlement.submit(order, requirement, s);
        inState(State.Pending);
        script(s, Status.Rejected, 0);
        settlement.finalize{gas: 3_400_000}(order, requirement, s);
        inState(State.Open);
        vm.warp(refundTime());
        settlement.refund(order);
        assertEq(credit(payer), PRICE);
    }

    function test_evidenceThatIsAcceptedAtOnceMayBeLong() public {
        ask(1, hex"00");
        Submission memory s = piece(0, CLAIMANT_KEY, OUTPUTS, new bytes(100_000));
        script(s, Status.Accepted, 0);
        settlement.submit(order, requirement, s);
        inState(State.Accepted);
    }

    function test_sixteenPiecesOfEvidenceForOneClaim() public {
        ask(2, ALL);
        for (uint256 i = 0; i < 16; ++i) {
            Submission memory s = piece(0, CLAIMANT_KEY, OUTPUTS, abi.encode(i));
            script(s, Status.Pending, NOW + 1 days);
            settlement.submit(order, requirement, s);
        }
        Submission memory last = piece(1, CLAIMANT_KEY);
        script(last, Status.Pending, NOW + 1 days);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.TooManyPending.selector, id));
        settlement.submit(order, requirement, last);
        assertEq(settlement.getResult(id).pending, 1);
    }

    function test_theChosenClaimantIsNotKeptOutByThoseWhoWait() public {
        terms.exclusiveClaimant = claimant;
        terms.exclusiveUntil = NOW + 1;
        ask(2, ALL);
        vm.warp(NOW + 2);
        for (uint256 i = 0; i < 16; ++i) {
            Submission memory s = piece(0, SQUATTER_KEY, bytes32(i), "evidence");
            script(s, Status.Pending, NOW + 1 days);
            settlement.submit(order, requirement, s);
        }
        Submission memory another = piece(0, 0xC0FFEE);
        script(another, Status.Pending, NOW + 1 days);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.TooManyPending.selector, id));
        settlement.submit(order, requirement, another);
        wait(0, CLAIMANT_KEY, NOW + 1 days);
        assertEq(settlement.getResult(id).pending, 17);
    }

    // ---- attach ----

    function test_attachAddsLeavesToTheWinner() public {
        ask(3, hex"000102800103");
        Submission memory late = piece(2, CLAIMANT_KEY);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Open));
        settlement.attach(order, requirement, late);
        satisfy(1, CLAIMANT_KEY);
        uint256 before = credit(claimant);
        vm.warp(refundTime() + 365 days);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.EvidenceRejected.selector, address(verifiers[2])));
        settlement.attach(order, requirement, late);
        script(late, Status.Pending, uint64(block.timestamp) + 1);
        vm.expectRevert();
        settlement.attach(order, requirement, late);
        script(late, Status.Accepted, 0);
        settlement.attach(order, requirement, late);
        assertEq(settlement.getResult(id).satisfied, 6);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.AlreadySatisfied.selector, 2));
        settlement.attach(order, requirement, late);
        assertEq(credit(claimant), before);
    }

    function test_attachIsForTheWinningClaimOnly() public {
        ask(2, ANY);
        satisfy(0, CLAIMANT_KEY);
        Submission memory other = piece(1, SQUATTER_KEY);
        script(other, Status.Accepted, 0);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.EvidenceRejected.selector, address(verifiers[1])));
        settlement.attach(order, requirement, other);
        assertEq(settlement.getResult(id).satisfied, 1);
    }

    // ---- request ----

    function test_refusesTwoLeavesThatAskTheSame() public {
        compose(2, ALL);
        policies[1].verifier = policies[0].verifier;
        policies[1].codeHash = policies[0].codeHash;
        policies[1].tier = "another";
        policies[1].offchain = keccak256("other");
        requirement.leaves[1] = this.leafHash(policies[1]);
        makeOrder();
        refusesOrder(abi.encodeWithSelector(ISettlement.DuplicateLeaf.selector, 0, 1));
        policies[1].params = hex"01";
        requirement.leaves[1] = this.leafHash(policies[1]);
        makeOrder();
        id = placeOrder();
        inState(State.Open);
    }

    function test_refusesBadFormulas() public {
        compose(2, hex"0001");
        refusesOrder(abi.encodeWithSelector(Formula.BadFormula.selector, 2));
        compose(2, hex"00");
        refusesOrder(abi.encodeWithSelector(Formula.BadFormula.selector, 1));
        compose(1, hex"0000800202");
        refusesOrder(abi.encodeWithSelector(Formula.LeafCountedTwice.selector, 0));
        compose(2, ALL);
        policies.pop();
        refusesOrder(abi.encodeWithSelector(Formula.BadFormula.selector, 1));
    }

    function test_aVerifierOfAnyLeafThatChangedIsRefused() public {
        ask(2, ALL);
        satisfy(0, CLAIMANT_KEY);
        Submission memory s = piece(1, CLAIMANT_KEY);
        script(s, Status.Accepted, 0);
        vm.etch(address(verifiers[1]), hex"60006000f3");
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlement.VerifierChanged.selector,
                address(verifiers[1]),
                policies[1].codeHash,
                address(verifiers[1]).codehash
            )
        );
        settlement.submit(order, requirement, s);
    }

    // ---- tip ----

    function test_theTipIsTheFinalizersAndOtherwiseThePayersAgain() public {
        terms.tipWei = 7;
        ask(2, ALL);
        satisfy(0, CLAIMANT_KEY);
        Submission memory b = wait(1, CLAIMANT_KEY, NOW + 1 days);
        script(b, Status.Accepted, 0);
        vm.prank(squatter);
        settlement.finalize(order, requirement, b);
        assertEq(credit(squatter), 7);
        assertEq(credit(claimant), PRICE);
        assertEq(credit(payer), 0);

        ask(2, ANY);
        satisfy(0, CLAIMANT_KEY);
        assertEq(credit(payer), 7);

        ask(2, ANY);
        vm.warp(refundTime());
        settlement.refund(order);
        assertEq(credit(payer), 7 + PRICE + 7);
        assertEq(address(settlement).balance, 3 * (PRICE + 7));
    }
}
