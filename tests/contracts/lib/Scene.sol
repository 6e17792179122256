// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Claim, Commitment, Policy, Request, Terms, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {IClaimVerifier, Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";
import {Groth16ClaimVerifier, Layout, OutputEntry} from "@veristack/verify-zkml/contracts/Groth16ClaimVerifier.sol";
import {
    Order,
    Requirement,
    RequestFields,
    SettlementTerms,
    State,
    Submission
} from "@veristack/settlement-evm/contracts/ISettlement.sol";
import {Settlement} from "@veristack/settlement-evm/contracts/Settlement.sol";
import {Groth16Simulator} from "./Groth16Simulator.sol";
import {Test} from "./Test.sol";

/// Does what its test tells it to; the claim digest that it was told about is the only one it knows.
contract ScriptedVerifier is IClaimVerifier {
    enum Manner {
        Answers,
        Reverts,
        BurnsGas,
        ReturnsMuch,
        Writes
    }

    mapping(bytes32 claim => Status) public status;
    mapping(bytes32 claim => uint64) public finalAt;
    Manner public manner;

    function set(bytes32 claim, Status s, uint64 at_) external {
        (status[claim], finalAt[claim]) = (s, at_);
    }

    function behave(Manner m) external {
        manner = m;
    }

    function check(Claim calldata claim, bytes calldata, bytes calldata) external view returns (Status, uint64) {
        bytes32 digest = TypedData.digest(claim);
        if (manner == Manner.Answers) return (status[digest], finalAt[digest]);
        if (manner == Manner.Reverts) revert("no");
        if (manner == Manner.BurnsGas) while (true) {}
        if (manner == Manner.ReturnsMuch) {
            assembly {
                mstore(0, 2)
                return(0, 1000000)
            }
        }
        // Calls back into whoever asks.
        (bool ok,) = msg.sender.staticcall(abi.encodeWithSignature("withdraw(address,address)", 0, this));
        require(ok);
        return (Status.Accepted, 0);
    }
}

/// A payer with a request, a claimant with keys, and a digest library reachable from tests.
abstract contract Scene is Test {
    uint256 internal constant CLAIMANT_KEY = 0xA11CE;
    uint256 internal constant SQUATTER_KEY = 0xBAD;
    uint256 internal constant PRICE = 1 ether;
    uint64 internal constant NOW = 1_800_000_000;

    Settlement internal settlement;
    address internal payer = address(0xBEEF);
    address internal claimant;
    address internal squatter;
    bytes32 internal constant PROGRAM = keccak256("program");

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(NOW);
        settlement = new Settlement();
        claimant = vm.addr(CLAIMANT_KEY);
        squatter = vm.addr(SQUATTER_KEY);
        vm.deal(payer, 1000 ether);
    }

    function policyOf(address verifier) internal view returns (Policy memory p) {
        p.tier = "zkml";
        p.verifier = verifier;
        p.codeHash = verifier.codehash;
        p.offchain = keccak256("{}");
    }

    function requirementOf(Policy memory p) internal view returns (Requirement memory r) {
        r.leaves = new bytes32[](1);
        r.leaves[0] = this.leafHash(p);
        r.formula = hex"00";
    }

    function termsHash(SettlementTerms memory t) internal view returns (bytes32) {
        // Static members only: abi.encode of the struct is its members in order.
        return keccak256(bytes.concat(settlement.SETTLEMENT_TERMS_TYPEHASH(), abi.encode(t)));
    }

    function orderOf(Policy memory p, SettlementTerms memory t, bytes32 inputs, uint256 nonce)
        internal
        view
        returns (Order memory o)
    {
        Requirement memory r = requirementOf(p);
        o.terms = t;
        o.application = keccak256("application");
        o.request = RequestFields({
            program: PROGRAM,
            inputs: inputs,
            requirement: this.requirementHash(r.leaves, r.formula),
            terms: TypedData.hash(Terms(o.application, termsHash(t))),
            payer: payer,
            priceWei: PRICE,
            nonce: bytes32(nonce),
            expiresAt: NOW + 1 hours
        });
    }

    function place(Order memory o, Policy memory p) internal returns (bytes32) {
        Policy[] memory list = new Policy[](1);
        list[0] = p;
        vm.prank(o.request.payer);
        return settlement.request{value: o.request.priceWei}(o, list, hex"00");
    }

    function claimFor(Order memory o, address who, bytes32 outputs) internal view returns (Claim memory) {
        return Claim({
            request: settlement.requestId(o),
            program: o.request.program,
            inputs: o.request.inputs,
            outputs: outputs,
            requirement: o.request.requirement,
            claimant: who,
            chainId: block.chainid,
            verifyingContract: address(settlement),
            expiresAt: o.request.expiresAt
        });
    }

    function signed(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function submissionOf(Order memory o, Policy memory p, uint256 key, bytes32 outputs, bytes memory evidence)
        internal
        view
        returns (Submission memory s)
    {
        s.policy = p;
        s.claimant = vm.addr(key);
        s.outputs = outputs;
        s.signature = signed(key, TypedData.digest(claimFor(o, s.claimant, outputs)));
        s.evidence = evidence;
    }

    function leafHash(Policy calldata p) external pure returns (bytes32) {
        return TypedData.leaf(p);
    }

    function requirementHash(bytes32[] calldata leaves, bytes calldata formula) external pure returns (bytes32) {
        return TypedData.requirement(leaves, formula);
    }

    function listHash(Commitment[] calldata list) external pure returns (bytes32) {
        return TypedData.commitments(list);
    }
}

/// A real Groth16 verifier over a key with known secrets: one Poseidon input, a raw label, Poseidon logits.
abstract contract ZkmlScene is Scene {
    uint256 internal constant INPUT = 0x1111;
    uint256 internal constant LOGITS = 0x2222;

    function lists() internal pure returns (Layout memory l) {
        l.inputTensor = "features";
        l.inputScheme = "poseidon-bn254/v1";
        l.outputs = new OutputEntry[](2);
        l.outputs[0] = OutputEntry("label", "raw/v1", 1);
        l.outputs[1] = OutputEntry("logits", "poseidon-bn254/v1", 0);
    }

    function newVerifier() internal returns (Groth16ClaimVerifier) {
        return new Groth16ClaimVerifier(Groth16Simulator.key(5), PROGRAM, keccak256("circuit"), lists(), true);
    }

    function inputsOf(uint256 value) internal view returns (bytes32) {
        Commitment[] memory list = new Commitment[](1);
        list[0] = Commitment("features", "poseidon-bn254/v1", abi.encode(value));
        return this.listHash(list);
    }

    function outputList(int256 label, uint256 logits) internal pure returns (Commitment[] memory list) {
        list = new Commitment[](2);
        list[0] = Commitment("label", "raw/v1", abi.encode(label));
        list[1] = Commitment("logits", "poseidon-bn254/v1", abi.encode(logits));
    }

    function outputsOf(int256 label, uint256 logits) internal view returns (bytes32) {
        return this.listHash(outputList(label, logits));
    }

    function signalsOf(Claim memory c, uint256 input, uint256 output, uint256 label)
        internal
        pure
        returns (uint256[] memory s)
    {
        s = new uint256[](5);
        uint256 digest = uint256(TypedData.digest(c));
        (s[0], s[1], s[2], s[3], s[4]) = (digest >> 128, digest & type(uint128).max, input, output, label);
    }

    function evidenceOf(uint256[8] memory proof, uint256 input, uint256 output, int256 label)
        internal
        pure
        returns (bytes memory)
    {
        int256[] memory raw = new int256[](1);
        raw[0] = label;
        return abi.encode(proof, input, output, raw);
    }

    /// Honest evidence for a claim of label 7.
    function prove(Claim memory c) internal view returns (bytes memory) {
        return evidenceOf(Groth16Simulator.prove(signalsOf(c, INPUT, LOGITS, 7), 23, 17), INPUT, LOGITS, 7);
    }
}

/// Requests whose requirement has several leaves, each with a scripted verifier of its own.
abstract contract CompositionScene is Scene {
    ScriptedVerifier[] internal verifiers;
    Policy[] internal policies;
    Requirement internal requirement;
    SettlementTerms internal terms;
    Order internal order;
    bytes32 internal id;
    bytes32 internal constant OUTPUTS = keccak256("outputs");
    uint256 private placed;

    /// Places a request over this many leaves.
    function ask(uint256 leaves, bytes memory formula) internal {
        compose(leaves, formula);
        id = placeOrder();
    }

    function compose(uint256 leaves, bytes memory formula) internal {
        delete requirement;
        delete policies;
        while (verifiers.length < leaves) verifiers.push(new ScriptedVerifier());
        for (uint256 i = 0; i < leaves; ++i) {
            policies.push(policyOf(address(verifiers[i])));
            requirement.leaves.push(this.leafHash(policies[i]));
        }
        requirement.formula = formula;
        makeOrder();
    }

    /// From terms, policies and requirement as they stand.
    function makeOrder() internal {
        order = orderOf(policies[0], terms, keccak256("inputs"), ++placed);
        order.request.requirement = this.requirementHash(requirement.leaves, requirement.formula);
    }

    function escrow() internal view returns (uint256) {
        return order.terms.token == address(0) ? order.request.priceWei + order.terms.tipWei : 0;
    }

    function placeOrder() internal returns (bytes32) {
        vm.prank(order.request.payer);
        return settlement.request{value: escrow()}(order, policies, requirement.formula);
    }

    function refusesOrder(bytes memory why) internal {
        uint256 value = escrow();
        vm.prank(order.request.payer);
        vm.expectRevert(why);
        settlement.request{value: value}(order, policies, requirement.formula);
    }

    function piece(uint8 leaf, uint256 key) internal view returns (Submission memory) {
        return piece(leaf, key, OUTPUTS, "evidence");
    }

    function piece(uint8 leaf, uint256 key, bytes32 outputs, bytes memory evidence)
        internal
        view
        returns (Submission memory s)
    {
        s = submissionOf(order, policies[leaf], key, outputs, evidence);
        s.leaf = leaf;
    }

    function digestOf(Submission memory s) internal view returns (bytes32) {
        return TypedData.digest(claimFor(order, s.claimant, s.outputs));
    }

    function script(Submission memory s, Status status, uint64 finalAt) internal {
        verifiers[s.leaf].set(digestOf(s), status, finalAt);
    }

    /// Submits a leaf that its verifier accepts.
    function satisfy(uint8 leaf, uint256 key) internal {
        Submission memory s = piece(leaf, key);
        script(s, Status.Accepted, 0);
        settlement.submit(order, requirement, s);
    }

    function wait(uint8 leaf, uint256 key, uint64 until) internal returns (Submission memory s) {
        s = piece(leaf, key);
        script(s, Status.Pending, until);
        settlement.submit(order, requirement, s);
    }

    function inState(State expected) internal view {
        assertEq(uint256(settlement.getResult(id).state), uint256(expected));
    }

    function credit(address who) internal view returns (uint256) {
        return settlement.creditOf(order.terms.token, who);
    }

    function refundTime() internal view returns (uint256) {
        return uint256(order.request.expiresAt) + order.terms.graceSeconds + 1;
    }
}
