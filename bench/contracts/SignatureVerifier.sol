// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Claim, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {IClaimVerifier, Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";

/// @notice For measuring only: the cheapest check that a real tier could make, one signature over the claim digest.
contract SignatureVerifier is IClaimVerifier {
    using TypedData for Claim;

    function check(Claim calldata claim, bytes calldata params, bytes calldata evidence)
        external
        view
        returns (Status, uint64)
    {
        if (claim.chainId != block.chainid) return (Status.Rejected, 0);
        Claim memory c = claim;
        (address signer, ECDSA.RecoverError error,) = ECDSA.tryRecover(c.digest(), evidence);
        bool isRight = error == ECDSA.RecoverError.NoError && signer == abi.decode(params, (address));
        return (isRight ? Status.Accepted : Status.Rejected, 0);
    }
}
