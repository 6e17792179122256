// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Commitment} from "@veristack/chain-evm/contracts/Claim.sol";
import {Formula} from "@veristack/settlement-evm/contracts/Formula.sol";
import {ISettlement, State} from "@veristack/settlement-evm/contracts/ISettlement.sol";
import {MockSettlement} from "@veristack/settlement-evm/contracts/mocks/MockSettlement.sol";
import {Orders} from "@veristack/settlement-evm/contracts/Orders.sol";
import {CompositionScene} from "./lib/Scene.sol";

/// What the settlement contract refuses its double refuses, with the same words.
contract OrdersTest is CompositionScene {
    bytes internal constant ALL = hex"0001800202";
    MockSettlement internal mock;

    function setUp() public override {
        super.setUp();
        mock = new MockSettlement();
    }

    function sound() internal {
        delete terms;
        (terms.callbackTarget, terms.callbackGas, terms.callbackState) = (address(0xCA), 1, uint8(State.Delivered));
        (terms.graceSeconds, terms.tipWei) = (600, 3);
        compose(2, ALL);
    }

    /// Both are given the order as it stands.
    function both() internal returns (bool ok, bytes memory why) {
        bytes memory data = abi.encodeCall(ISettlement.request, (order, policies, requirement.formula));
        uint256 value = escrow();
        vm.prank(payer);
        (ok, why) = address(settlement).call{value: value}(data);
        vm.prank(payer);
        (bool mocked, bytes memory mockedWhy) = address(mock).call{value: value}(data);
        assertTrue(ok == mocked, "one of them takes it");
        // Ids differ: each stands for its own contract.
        if (!ok && bytes4(why) != ISettlement.AlreadyRequested.selector) assertEq(keccak256(why), keccak256(mockedWhy));
        if (!ok) assertEq(bytes32(bytes4(why)), bytes32(bytes4(mockedWhy)));
    }

    function refused(bytes4 by) internal {
        (bool ok, bytes memory why) = both();
        assertTrue(!ok, "taken");
        assertEq(bytes32(bytes4(why)), bytes32(by));
        sound();
    }

    function test_theDoubleTakesAndRefusesTheSame() public {
        sound();
        (bool ok,) = both();
        assertTrue(ok, "sound");
        refused(ISettlement.AlreadyRequested.selector);
    }

    function test_termsAndRequirementThatDoNotOpen() public {
        sound();
        order.terms.graceSeconds = 601;
        refused(ISettlement.TermsMismatch.selector);
        order.application = 0;
        refused(ISettlement.TermsMismatch.selector);
        order.request.terms = 0;
        refused(ISettlement.TermsMismatch.selector);
        order.request.requirement = 0;
        refused(ISettlement.RequirementMismatch.selector);
        requirement.formula = hex"0001800102";
        refused(ISettlement.RequirementMismatch.selector);
        policies[1].offchain = 0;
        refused(ISettlement.RequirementMismatch.selector);
    }

    function test_formulasAndPolicies() public {
        sound();
        requirement.formula = hex"0001";
        refused(Formula.BadFormula.selector);
        requirement.formula = hex"000101800203";
        refused(Formula.LeafCountedTwice.selector);
        delete policies;
        refused(Formula.BadLeafCount.selector);
        policies[1] = policies[0];
        refused(ISettlement.DuplicateLeaf.selector);
        policies[1].codeHash = 0;
        refused(ISettlement.VerifierChanged.selector);
        policies[0].verifier = address(0xE0A);
        refused(ISettlement.VerifierChanged.selector);
    }

    function test_callbacksAndTimes() public {
        sound();
        order.terms.callbackGas = 0;
        refused(ISettlement.BadCallback.selector);
        order.terms.callbackGas = 2_000_001;
        refused(ISettlement.BadCallback.selector);
        order.terms.callbackState = 2;
        refused(ISettlement.BadCallback.selector);
        order.terms.callbackTarget = address(0);
        refused(ISettlement.BadCallback.selector);
        order.terms.validUntil = order.request.expiresAt - 1;
        refused(ISettlement.BadValidity.selector);
        order.terms.graceSeconds = 90 days + 1;
        refused(ISettlement.BadGrace.selector);
        order.terms.exclusiveClaimant = claimant;
        refused(ISettlement.BadExclusivity.selector);
        order.request.expiresAt = NOW - 1;
        refused(ISettlement.BadExpiry.selector);
        order.request.expiresAt = NOW + 366 days + 1;
        refused(ISettlement.BadExpiry.selector);
        order.request.payer = squatter;
        refused(ISettlement.NotPayer.selector);
        (bool ok,) = both();
        assertTrue(ok, "sound again");
    }

    /// Both are asked for the money back; true where both give it.
    function bothRefund() internal returns (bool ok) {
        bytes memory why;
        bytes memory mockedWhy;
        bool mocked;
        bytes memory data = abi.encodeCall(ISettlement.refund, (order));
        (ok, why) = address(settlement).call(data);
        (mocked, mockedWhy) = address(mock).call(data);
        assertTrue(ok == mocked, "one of them refunds");
        assertEq(bytes32(bytes4(why)), bytes32(bytes4(mockedWhy)));
        // Ids differ: each stands for its own contract.
        if (!ok && bytes4(why) != ISettlement.WrongState.selector) assertEq(keccak256(why), keccak256(mockedWhy));
        refusal = bytes4(why);
    }

    bytes4 internal refusal;

    function keptBy(bytes4 by) internal {
        assertTrue(!bothRefund(), "refunded");
        assertEq(bytes32(refusal), bytes32(by));
    }

    function test_theDoubleRefundsWhenTheContractDoes() public {
        sound();
        keptBy(ISettlement.WrongState.selector); // nobody asked
        (bool ok,) = both();
        assertTrue(ok, "sound");
        keptBy(ISettlement.RefundTooEarly.selector);
        vm.warp(order.request.expiresAt + 600);
        keptBy(ISettlement.RefundTooEarly.selector);
        vm.warp(order.request.expiresAt + 601);
        order.terms.graceSeconds = 0;
        keptBy(ISettlement.TermsMismatch.selector);
        order.terms.graceSeconds = 600;
        assertTrue(bothRefund(), "refunded");
        uint256 due = order.request.priceWei + 3;
        assertEq(settlement.creditOf(address(0), payer), due);
        assertEq(mock.creditOf(address(0), payer), due);
        assertEq(uint256(mock.getResult(mock.lastId()).state), uint256(State.Refunded));
        keptBy(ISettlement.WrongState.selector); // once
    }

    function test_neitherCallsItselfBack() public {
        sound();
        address[2] memory both_ = [address(settlement), address(mock)];
        for (uint256 i = 0; i < 2; ++i) {
            terms.callbackTarget = both_[i];
            makeOrder();
            uint256 value = escrow();
            vm.prank(payer);
            vm.expectRevert(
                abi.encodeWithSelector(ISettlement.BadCallback.selector, both_[i], 1, uint8(State.Delivered))
            );
            ISettlement(both_[i]).request{value: value}(order, policies, ALL);
        }
    }

    function test_whatIsEscrowedIsSent() public {
        sound();
        ISettlement[2] memory both_ = [ISettlement(settlement), ISettlement(mock)];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(payer);
            vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongValue.selector, PRICE + 3, PRICE));
            both_[i].request{value: PRICE}(order, policies, ALL);
        }
    }

    /// A contract that asks computes its terms, in place of being handed them.
    function test_theTermsOfAnOrderInSolidity() public {
        sound();
        order.request.terms = Orders.terms(order.application, terms);
        id = placeOrder();
        inState(State.Open);
        assertEq(Orders.hash(terms), termsHash(terms));
    }

    function test_theDoublesAnswersMeetTheRequirement() public {
        sound();
        both();
        bytes32 asked = mock.lastId();
        uint8[4] memory bad = [0, 1, 2, 7];
        for (uint256 i = 0; i < bad.length; ++i) {
            Commitment[] memory none = new Commitment[](0);
            vm.expectRevert(abi.encodeWithSelector(MockSettlement.RequirementNotMet.selector, bad[i]));
            mock.answer(asked, claimant, bad[i], none);
        }
        mock.answer(asked, claimant, 3, new Commitment[](0));
        assertTrue(mock.getResult(asked).state == State.Delivered, "answered");
    }
}
