// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Claim, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {IClaimVerifier, Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";

/// @title The on-chain half of the tier acme/quorum
/// @notice Threshold and members stand in its code, as the digest that the off-chain half calls the anchor; so the code
/// hash that a requirement pins says who may sign and how many must.
///
/// INVARIANT: it answers Accepted only where at least `threshold` distinct members signed the statement of this claim,
/// for this chain. It has no storage and no owner: another membership is another contract.
///
/// Assumes: fewer than `threshold` members sign what they did not compute.
contract QuorumClaimVerifier is IClaimVerifier {
    bytes32 private constant MEMBERS = keccak256("acme/quorum/v1 members");
    bytes32 private constant AGREES = keccak256("acme/quorum/v1 agrees");
    uint256 private constant HEAD = 2;
    uint256 private constant ADDRESS = 20;
    uint256 private constant SIGNATURE = 65;

    /// keccak256(MEMBERS ‖ threshold ‖ members), threshold in one byte and each member in twenty.
    bytes32 public immutable anchor;

    constructor(bytes32 anchor_) {
        anchor = anchor_;
    }

    /// @inheritdoc IClaimVerifier
    /// @dev `params` is empty. `evidence` is threshold ‖ n ‖ n addresses, ascending ‖ signatures, in the order of their
    /// signers: the payload of the off-chain evidence as it is.
    function check(Claim calldata claim, bytes calldata params, bytes calldata evidence)
        external
        view
        override
        returns (Status, uint64)
    {
        return (_check(claim, params, evidence) ? Status.Accepted : Status.Rejected, 0);
    }

    function _check(Claim calldata claim, bytes calldata params, bytes calldata evidence) private view returns (bool) {
        if (params.length != 0 || claim.chainId != block.chainid || evidence.length < HEAD) return false;
        uint256 threshold = uint8(evidence[0]);
        uint256 count = uint8(evidence[1]);
        uint256 end = HEAD + count * ADDRESS;
        if (threshold == 0 || threshold > count || evidence.length < end) return false;
        if ((evidence.length - end) % SIGNATURE != 0) return false;
        uint256 signatures = (evidence.length - end) / SIGNATURE;
        if (signatures < threshold || signatures > count) return false;
        // The anchor commits to distinct members in ascending order: the off-chain half makes no other.
        if (keccak256(abi.encodePacked(MEMBERS, evidence[0], evidence[HEAD:end])) != anchor) return false;

        bytes32 statement = keccak256(abi.encodePacked(AGREES, TypedData.digest(claim)));
        uint256 next = 0;
        for (uint256 i = 0; i < signatures; ++i) {
            uint256 at_ = end + i * SIGNATURE;
            (address signer, ECDSA.RecoverError problem,) =
                ECDSA.tryRecoverCalldata(statement, evidence[at_:at_ + SIGNATURE]);
            if (problem != ECDSA.RecoverError.NoError) return false;
            // Each signer is a member behind the one before, so none counts twice.
            while (next < count && _member(evidence, next) != signer) ++next;
            if (next == count) return false;
            ++next;
        }
        return true;
    }

    function _member(bytes calldata evidence, uint256 i) private pure returns (address) {
        uint256 from = HEAD + i * ADDRESS;
        return address(bytes20(evidence[from:from + ADDRESS]));
    }
}
