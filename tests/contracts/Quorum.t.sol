// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {QuorumClaimVerifier} from "@acme/quorum/QuorumClaimVerifier.sol";
import {Claim, Policy, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";
import {
    ISettlement,
    Order,
    Requirement,
    Result,
    SettlementTerms,
    State,
    Submission
} from "@veristack/settlement-evm/contracts/ISettlement.sol";
import {ZkmlScene} from "./lib/Scene.sol";

/// A stranger's tier, alone and beside zkml.
contract QuorumTest is ZkmlScene {
    uint256[3] internal keys; // by ascending address
    QuorumClaimVerifier internal quorum;
    bytes internal head;

    function setUp() public override {
        super.setUp();
        keys = [uint256(0x111), 0x222, 0x333];
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 j = i + 1; j < 3; ++j) {
                if (vm.addr(keys[j]) < vm.addr(keys[i])) (keys[i], keys[j]) = (keys[j], keys[i]);
            }
        }
        bytes memory members =
            abi.encodePacked(vm.addr(keys[0]), vm.addr(keys[1]), vm.addr(keys[2]));
        head = bytes.concat(hex"0203", members);
        quorum = new QuorumClaimVerifier(
            keccak256(abi.encodePacked(keccak256("acme/quorum/v1 members"), hex"02", members))
        );
    }

    function sign(uint256 key, Claim memory c) internal pure returns (bytes memory) {
        return signed(
            key, keccak256(abi.encodePacked(keccak256("acme/quorum/v1 agrees"), TypedData.digest(c)))
        );
    }

    function verdict(Claim memory c, bytes memory evidence) internal view returns (bool) {
        (Status status,) = quorum.check(c, "", evidence);
        return status == Status.Accepted;
    }

    function claimOf(Order memory o) internal view returns (Claim memory) {
        return claimFor(o, claimant, outputsOf(7, LOGITS));
    }

    function anOrder() internal view returns (Order memory o) {
        SettlementTerms memory t;
        o = orderOf(policyOf(address(quorum)), t, inputsOf(INPUT), 1);
    }

    function test_thresholdOfDistinctMembers() public view {
        Claim memory c = claimOf(anOrder());
        bytes memory a = sign(keys[0], c);
        bytes memory b = sign(keys[1], c);
        bytes memory d = sign(keys[2], c);
        assertTrue(verdict(c, bytes.concat(head, a, b)), "two");
        assertTrue(verdict(c, bytes.concat(head, a, d)), "two others");
        assertTrue(verdict(c, bytes.concat(head, a, b, d)), "all");
        assertTrue(!verdict(c, bytes.concat(head, a)), "one");
        assertTrue(!verdict(c, bytes.concat(head, a, a)), "one twice");
        assertTrue(!verdict(c, bytes.concat(head, b, a)), "out of order");
        assertTrue(!verdict(c, bytes.concat(head, a, sign(0xBAD, c))), "a stranger");
        assertTrue(!verdict(c, bytes.concat(head, a, b, hex"00")), "a byte more");
        assertTrue(!verdict(c, ""), "nothing");
        assertTrue(!verdict(c, hex"0203"), "no members");
        assertTrue(!verdict(c, bytes.concat(head, a, b, d, a)), "more than members");
    }

    function test_anotherMembershipIsRefused() public view {
        Claim memory c = claimOf(anOrder());
        bytes memory two = bytes.concat(sign(keys[0], c), sign(keys[1], c));
        bytes memory lower = head;
        lower[0] = 0x01;
        assertTrue(!verdict(c, bytes.concat(lower, sign(keys[0], c))), "a lower threshold");
        bytes memory own = abi.encodePacked(hex"0101", vm.addr(0xBAD));
        assertTrue(!verdict(c, bytes.concat(own, sign(0xBAD, c))), "one's own");
        bytes memory zero = head;
        zero[0] = 0x00;
        assertTrue(!verdict(c, zero), "no threshold");
        (Status status,) = quorum.check(c, hex"01", bytes.concat(head, two));
        assertTrue(status == Status.Rejected, "params");
    }

    function test_signaturesAreOfOneClaimOnOneChain() public {
        Claim memory c = claimOf(anOrder());
        bytes memory evidence = bytes.concat(head, sign(keys[0], c), sign(keys[1], c));
        Claim memory other = claimOf(anOrder());
        other.outputs = keccak256("other");
        assertTrue(!verdict(other, evidence), "other outputs");
        vm.chainId(1);
        assertTrue(!verdict(c, evidence), "another chain");
    }

    function testFuzz_changedBytes(uint256 at_, uint8 change) public view {
        Claim memory c = claimOf(anOrder());
        bytes memory evidence = bytes.concat(head, sign(keys[0], c), sign(keys[1], c));
        if (change == 0) return;
        at_ = at_ % evidence.length;
        evidence[at_] = bytes1(uint8(evidence[at_]) ^ change);
        assertTrue(!verdict(c, evidence), "changed");
    }

    /// Both a proof and a quorum, each checked by its own contract, for one claim.
    function test_composesWithZkml() public {
        Policy[] memory policies = new Policy[](2);
        policies[0] = policyOf(address(newVerifier()));
        policies[1] = policyOf(address(quorum));
        policies[1].tier = "acme/quorum";
        Requirement memory requirement;
        requirement.leaves = new bytes32[](2);
        (requirement.leaves[0], requirement.leaves[1]) = (this.leafHash(policies[0]), this.leafHash(policies[1]));
        requirement.formula = hex"0001800202";
        Order memory o = anOrder();
        o.request.requirement = this.requirementHash(requirement.leaves, requirement.formula);
        vm.prank(payer);
        bytes32 id = settlement.request{value: PRICE}(o, policies, requirement.formula);
        Claim memory c = claimOf(o);

        Submission memory s = submissionOf(o, policies[0], CLAIMANT_KEY, c.outputs, prove(c));
        settlement.submit(o, requirement, s);
        assertEq(uint256(settlement.getResult(id).state), uint256(State.Open));
        assertEq(settlement.creditOf(address(0), claimant), 0);
        // A proof is no quorum.
        s.leaf = 1;
        s.policy = policies[1];
        vm.expectRevert(abi.encodeWithSelector(ISettlement.EvidenceRejected.selector, address(quorum)));
        settlement.submit(o, requirement, s);
        s.evidence = bytes.concat(head, sign(keys[0], c), sign(keys[2], c));
        settlement.submit(o, requirement, s);
        Result memory r = settlement.getResult(id);
        assertEq(uint256(r.state), uint256(State.Accepted));
        assertEq(r.satisfied, 3);
        assertEq(settlement.creditOf(address(0), claimant), PRICE);
    }
}
