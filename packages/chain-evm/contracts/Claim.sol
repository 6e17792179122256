// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// What is asked, for how much, until when, and where it is settled.
/// `verifyingContract` is the member that receipts and TypeScript call `contract`, a reserved word here.
struct Request {
    bytes32 program;
    bytes32 inputs;
    bytes32 requirement;
    bytes32 terms;
    address payer;
    uint256 priceWei;
    bytes32 nonce;
    uint256 chainId;
    address verifyingContract;
    uint64 expiresAt;
}

/// "Claimant C says: program P on inputs X gave outputs Y for request R."
struct Claim {
    bytes32 request;
    bytes32 program;
    bytes32 inputs;
    bytes32 outputs;
    bytes32 requirement;
    address claimant;
    uint256 chainId;
    address verifyingContract;
    uint64 expiresAt;
}

/// What a claim says of one tensor, or of several whose names are joined by commas.
struct Commitment {
    string tensor;
    string scheme;
    bytes value;
}

/// What makes a tier good enough. `offchain` is the digest of what is appraised outside the chain.
struct Policy {
    string tier;
    address verifier;
    bytes32 codeHash;
    bytes params;
    bytes32 offchain;
}

/// A tier under a policy, by the policy's digest.
struct Leaf {
    string tier;
    bytes32 policy;
}

/// `application` is the digest of the application's own facts, `settlement` of the settlement contract's terms.
struct Terms {
    bytes32 application;
    bytes32 settlement;
}

/// @title EIP-712 hashing of Veristack's types
/// @notice The type strings are frozen: a change of one is a new version of the type. The TypeScript in core holds the same ones.
library TypedData {
    bytes32 internal constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 internal constant NAME_HASH = keccak256("Veristack");
    bytes32 internal constant VERSION_HASH = keccak256("1");
    bytes32 internal constant COMMITMENT_TYPEHASH = keccak256("Commitment(string tensor,string scheme,bytes value)");
    bytes32 internal constant POLICY_TYPEHASH =
        keccak256("Policy(string tier,address verifier,bytes32 codeHash,bytes params,bytes32 offchain)");
    bytes32 internal constant LEAF_TYPEHASH = keccak256("Leaf(string tier,bytes32 policy)");
    bytes32 internal constant REQUIREMENT_TYPEHASH =
        keccak256("Requirement(Leaf[] leaves,bytes formula)Leaf(string tier,bytes32 policy)");
    bytes32 internal constant TERMS_TYPEHASH = keccak256("Terms(bytes32 application,bytes32 settlement)");
    bytes32 internal constant REQUEST_TYPEHASH = keccak256(
        "Request(bytes32 program,bytes32 inputs,bytes32 requirement,bytes32 terms,address payer,uint256 priceWei,bytes32 nonce,uint256 chainId,address verifyingContract,uint64 expiresAt)"
    );
    bytes32 internal constant CLAIM_TYPEHASH = keccak256(
        "Claim(bytes32 request,bytes32 program,bytes32 inputs,bytes32 outputs,bytes32 requirement,address claimant,uint256 chainId,address verifyingContract,uint64 expiresAt)"
    );

    /// @notice The EIP-712 domain of a contract on a chain.
    function domainSeparator(uint256 chainId, address verifyingContract) internal pure returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, chainId, verifyingContract));
    }

    /// @notice The request's id. Chain and contract stand in the struct and in the domain, and are the same.
    function id(Request memory r) internal pure returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                REQUEST_TYPEHASH,
                r.program,
                r.inputs,
                r.requirement,
                r.terms,
                r.payer,
                r.priceWei,
                r.nonce,
                r.chainId,
                r.verifyingContract,
                r.expiresAt
            )
        );
        return MessageHashUtils.toTypedDataHash(domainSeparator(r.chainId, r.verifyingContract), structHash);
    }

    /// @notice What the claimant signs and what every tier's evidence binds.
    function digest(Claim memory c) internal pure returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                CLAIM_TYPEHASH,
                c.request,
                c.program,
                c.inputs,
                c.outputs,
                c.requirement,
                c.claimant,
                c.chainId,
                c.verifyingContract,
                c.expiresAt
            )
        );
        return MessageHashUtils.toTypedDataHash(domainSeparator(c.chainId, c.verifyingContract), structHash);
    }

    function hash(Terms memory t) internal pure returns (bytes32) {
        return keccak256(abi.encode(TERMS_TYPEHASH, t.application, t.settlement));
    }

    function hash(Policy calldata p) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                POLICY_TYPEHASH,
                keccak256(bytes(p.tier)),
                p.verifier,
                p.codeHash,
                keccak256(p.params),
                p.offchain
            )
        );
    }

    /// @notice The hash of the leaf that a policy makes.
    function leaf(Policy calldata p) internal pure returns (bytes32) {
        return keccak256(abi.encode(LEAF_TYPEHASH, keccak256(bytes(p.tier)), hash(p)));
    }

    /// @param leaves Hashes of the distinct leaves; leaf i is bit i of a bitmap.
    /// @param formula Reverse Polish: one byte per leaf (its index), three per group (0x80, k, n).
    function requirement(bytes32[] memory leaves, bytes calldata formula) internal pure returns (bytes32) {
        return keccak256(abi.encode(REQUIREMENT_TYPEHASH, keccak256(abi.encodePacked(leaves)), keccak256(formula)));
    }

    /// @dev For verifiers that hold the hashes of tensor name and scheme instead of the strings.
    function commitment(bytes32 tensorHash, bytes32 schemeHash, bytes32 valueHash) internal pure returns (bytes32) {
        return keccak256(abi.encode(COMMITMENT_TYPEHASH, tensorHash, schemeHash, valueHash));
    }

    /// @notice `inputs` and `outputs` of a claim: the digest of an ordered commitment list.
    function commitments(Commitment[] calldata list) internal pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](list.length);
        for (uint256 i = 0; i < list.length; ++i) {
            hashes[i] = commitment(
                keccak256(bytes(list[i].tensor)), keccak256(bytes(list[i].scheme)), keccak256(list[i].value)
            );
        }
        return keccak256(abi.encodePacked(hashes));
    }
}
