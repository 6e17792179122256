// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Claim, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {IClaimVerifier, Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";

// Order of BN254's base field (Q) and of its groups (R).
uint256 constant Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583;
uint256 constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

/// On y² = x³ + 3 with canonical coordinates and not at infinity. The curve has no cofactor: so it is in the group.
function onCurve(uint256 x, uint256 y) pure returns (bool) {
    if (x >= Q || y >= Q) return false;
    return mulmod(y, y, Q) == addmod(mulmod(mulmod(x, x, Q), x, Q), 3, Q);
}

/// The chains on which a development key may be used.
function isLocalChain() view returns (bool) {
    return block.chainid == 31337 || block.chainid == 1337;
}

// Digest (two halves), input commitment, output commitment.
uint256 constant FIXED_SIGNALS = 4;

/// One entry of a claim's output list, in the list's order.
/// `elements` is the number of raw words, or 0 for the one entry that is a field element (a Poseidon commitment).
struct OutputEntry {
    string tensor;
    string scheme;
    uint256 elements;
}

/// The lists that claims of this program carry. Names and schemes are pinned, values come with the evidence.
struct Layout {
    string inputTensor;
    string inputScheme;
    OutputEntry[] outputs;
}

/// @title The code that every Groth16 claim verifier runs
/// @notice Reads what it verifies against from the end of its own code; {Groth16ClaimVerifier} puts it there.
///
/// INVARIANT: it answers Accepted only where a Groth16 proof under the key in its code verifies for the public signals
/// (claim digest / 2^128, claim digest mod 2^128, input commitment, output commitment, public outputs), the claim is
/// for this chain and program, and the commitments and outputs are the ones that `claim.inputs` and `claim.outputs`
/// are digests of. It holds no storage, so its code hash says all that it will ever do.
contract Groth16ClaimVerifierCode is IClaimVerifier {
    /// r / 2: a public output outside [-HALF, HALF] would share its field element with another integer.
    uint256 private constant HALF = R / 2;

    /// Bytes of evidence before the public outputs: proof (8 words), two commitments, offset, length.
    uint256 private constant EVIDENCE_HEAD = 12 * 32;
    uint256 private constant EVIDENCE_OFFSET = 11 * 32;

    // Words of the appendix, counted from its start; its last word is its own length in bytes.
    uint256 private constant PROGRAM = 0;
    uint256 private constant CIRCUIT = 1;
    uint256 private constant DEVELOPMENT = 2;
    uint256 private constant INPUT_TENSOR = 3;
    uint256 private constant INPUT_SCHEME = 4;
    uint256 private constant ENTRIES = 5;
    uint256 private constant PUBLIC_OUTPUTS = 6;
    uint256 private constant LAYOUT = 7;

    /// @inheritdoc IClaimVerifier
    /// @dev `params` is empty. `evidence` is abi.encode(uint256[8] proof, uint256 inputCommitment,
    /// uint256 outputCommitment, int256[] publicOutputs) in its one canonical form: proof is A (x, y),
    /// B (x.c1, x.c0, y.c1, y.c0), C (x, y); `outputCommitment` is 0 where the layout has no such entry.
    function check(Claim calldata claim, bytes calldata params, bytes calldata evidence)
        external
        view
        override
        returns (Status, uint64)
    {
        return (_check(claim, params, evidence) ? Status.Accepted : Status.Rejected, 0);
    }

    /// @notice The program whose claims are judged.
    function program() external pure returns (bytes32) {
        return _word(PROGRAM);
    }

    /// @notice Names the constraint system that the key belongs to.
    function circuitId() external pure returns (bytes32) {
        return _word(CIRCUIT);
    }

    /// @notice True for a key that anyone may be able to forge under; such a verifier accepts on local chains only.
    function development() external pure returns (bool) {
        return _word(DEVELOPMENT) != 0;
    }

    /// @notice The pinned part: see {Groth16ClaimVerifier} for its form.
    function appendix() external pure returns (bytes memory) {
        return _appendix();
    }

    function _check(Claim calldata claim, bytes calldata params, bytes calldata evidence) private view returns (bool) {
        bytes memory pinned = _appendix();
        uint256 n = uint256(_at(pinned, PUBLIC_OUTPUTS));
        if (params.length != 0) return false;
        if (evidence.length != EVIDENCE_HEAD + 32 * n) return false;
        if (_load(evidence, 10) != EVIDENCE_OFFSET || _load(evidence, 11) != n) return false;
        if (claim.chainId != block.chainid || claim.program != _at(pinned, PROGRAM)) return false;
        if (_at(pinned, DEVELOPMENT) != 0 && !isLocalChain()) return false;
        if (_load(evidence, 8) >= R || _load(evidence, 9) >= R) return false;
        if (claim.inputs != _inputs(pinned, evidence)) return false;
        (bytes32 outputs, bool hasCommitment) = _outputs(pinned, evidence);
        if (claim.outputs != outputs) return false;
        if (!hasCommitment && _load(evidence, 9) != 0) return false;
        return _verify(pinned, _signals(claim, evidence, n), evidence);
    }

    /// The public signals, or an empty list where an output is not the one integer that its field element stands for.
    function _signals(Claim calldata claim, bytes calldata evidence, uint256 n) private pure returns (uint256[] memory) {
        uint256[] memory signals = new uint256[](FIXED_SIGNALS + n);
        uint256 digest = uint256(TypedData.digest(claim));
        signals[0] = digest >> 128;
        signals[1] = digest & type(uint128).max;
        signals[2] = _load(evidence, 8);
        signals[3] = _load(evidence, 9);
        for (uint256 i = 0; i < n; ++i) {
            uint256 x = _load(evidence, 12 + i);
            if (x <= HALF) {
                signals[FIXED_SIGNALS + i] = x;
            } else {
                uint256 magnitude;
                unchecked {
                    magnitude = 0 - x;
                }
                if (magnitude > HALF) return new uint256[](0);
                signals[FIXED_SIGNALS + i] = R - magnitude;
            }
        }
        return signals;
    }

    function _inputs(bytes memory pinned, bytes calldata evidence) private pure returns (bytes32) {
        bytes32 entry = TypedData.commitment(
            _at(pinned, INPUT_TENSOR), _at(pinned, INPUT_SCHEME), keccak256(evidence[8 * 32:9 * 32])
        );
        return keccak256(abi.encodePacked(entry));
    }

    function _outputs(bytes memory pinned, bytes calldata evidence) private pure returns (bytes32, bool hasCommitment) {
        uint256 m = uint256(_at(pinned, ENTRIES));
        bytes32[] memory hashes = new bytes32[](m);
        uint256 cursor = EVIDENCE_HEAD;
        for (uint256 i = 0; i < m; ++i) {
            uint256 length = 32 * uint256(_at(pinned, LAYOUT + 3 * i + 2));
            bytes32 valueHash;
            if (length == 0) {
                hasCommitment = true;
                valueHash = keccak256(evidence[9 * 32:10 * 32]);
            } else {
                valueHash = keccak256(evidence[cursor:cursor + length]);
                cursor += length;
            }
            hashes[i] =
                TypedData.commitment(_at(pinned, LAYOUT + 3 * i), _at(pinned, LAYOUT + 3 * i + 1), valueHash);
        }
        return (keccak256(abi.encodePacked(hashes)), hasCommitment);
    }

    /// e(-A, B) · e(alpha, beta) · e(IC(signals), gamma) · e(C, delta) = 1
    function _verify(bytes memory pinned, uint256[] memory signals, bytes calldata evidence) private view returns (bool) {
        if (signals.length == 0) return false;
        uint256 ax = _load(evidence, 0);
        uint256 ay = _load(evidence, 1);
        uint256 cx = _load(evidence, 6);
        uint256 cy = _load(evidence, 7);
        if (!onCurve(ax, ay) || !onCurve(cx, cy)) return false;
        for (uint256 i = 2; i < 6; ++i) {
            if (_load(evidence, i) >= Q) return false;
        }
        if (_load(evidence, 2) | _load(evidence, 3) | _load(evidence, 4) | _load(evidence, 5) == 0) return false;

        uint256 key = LAYOUT + 3 * uint256(_at(pinned, ENTRIES));
        (bool ok, uint256 px, uint256 py) = _combine(pinned, key + 14, signals);
        if (!ok) return false;

        uint256[24] memory pairs;
        (pairs[0], pairs[1]) = (ax, Q - ay);
        for (uint256 i = 2; i < 6; ++i) {
            pairs[i] = _load(evidence, i);
        }
        for (uint256 i = 0; i < 6; ++i) {
            pairs[6 + i] = uint256(_at(pinned, key + i));
        }
        (pairs[12], pairs[13]) = (px, py);
        (pairs[18], pairs[19]) = (cx, cy);
        for (uint256 i = 0; i < 4; ++i) {
            pairs[14 + i] = uint256(_at(pinned, key + 6 + i));
            pairs[20 + i] = uint256(_at(pinned, key + 10 + i));
        }
        uint256 one;
        assembly ("memory-safe") {
            ok := staticcall(gas(), 8, pairs, 768, 0, 32)
            one := mload(0)
        }
        return ok && one == 1;
    }

    /// IC[0] + Σ signals[i] · IC[i + 1]. Every signal is below r.
    function _combine(bytes memory pinned, uint256 ic, uint256[] memory signals)
        private
        view
        returns (bool ok, uint256 x, uint256 y)
    {
        // acc (x, y) ‖ point (x, y) ‖ scalar: addition reads the first four words, multiplication the last three.
        uint256[5] memory w;
        w[0] = uint256(_at(pinned, ic));
        w[1] = uint256(_at(pinned, ic + 1));
        ok = true;
        for (uint256 i = 0; i < signals.length && ok; ++i) {
            w[2] = uint256(_at(pinned, ic + 2 * i + 2));
            w[3] = uint256(_at(pinned, ic + 2 * i + 3));
            w[4] = signals[i];
            assembly ("memory-safe") {
                let point := add(w, 64)
                ok := staticcall(gas(), 7, point, 96, point, 64)
                ok := and(staticcall(gas(), 6, w, 128, w, 64), ok)
            }
        }
        return (ok, w[0], w[1]);
    }

    function _load(bytes calldata data, uint256 word) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := calldataload(add(data.offset, mul(word, 32)))
        }
    }

    function _at(bytes memory data, uint256 word) private pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 32), mul(word, 32)))
        }
    }

    function _word(uint256 word) private pure returns (bytes32) {
        return _at(_appendix(), word);
    }

    function _appendix() private pure returns (bytes memory data) {
        assembly ("memory-safe") {
            codecopy(0, sub(codesize(), 32), 32)
            let length := mload(0)
            data := mload(0x40)
            mstore(data, length)
            codecopy(add(data, 32), sub(codesize(), add(length, 32)), length)
            mstore(0x40, add(add(data, 32), length))
        }
    }
}

/// @title Groth16 verifier of one program's claims
/// @notice Its code is {Groth16ClaimVerifierCode}'s followed by an appendix: program, circuit id, development flag,
/// hashes of the input's name and scheme, number of output entries, number of public outputs, three words per entry
/// (name hash, scheme hash, elements), the verifying key, and the appendix's length. So the code hash commits to all
/// of it, does not depend on where or by whom it was deployed, and can be computed before deployment; reading it
/// costs three gas a word, where storage would cost 2,100.
///
/// Assumes: the key was made by an honest setup (the chain can not see that; `development` keys are kept to local
/// chains), BN254 gives about 100 bits of security, and the circuit is the one that `circuitId` names.
contract Groth16ClaimVerifier {
    /// The key is not alpha, beta, gamma, delta and 5 to 10 points of IC, that is, 4 to 9 signals.
    error KeyLength(uint256 bytes_);
    /// The layout's public outputs and the key's number of signals do not agree.
    error SignalCount(uint256 expected, uint256 actual);
    /// A point of the key, by its first word, is at infinity, off the curve, out of the subgroup or not canonical.
    error KeyPoint(uint256 word);
    /// Gamma equals delta: nobody contributed to this key and anyone can forge under it.
    error KeyWithoutContribution();
    /// An output list is empty, too long, or has two committed entries.
    error BadLayout();
    /// A development key outside a local chain.
    error DevelopmentKey(uint256 chainId);

    /// @param key alpha (x, y), beta, gamma, delta (x.c1, x.c0, y.c1, y.c0), IC[0..n] (x, y); 32-byte big-endian words.
    constructor(bytes memory key, bytes32 program_, bytes32 circuitId_, Layout memory lists, bool development_) {
        if (development_ && !isLocalChain()) revert DevelopmentKey(block.chainid);
        uint256 publicOutputs = _checkLayout(lists);
        _checkKey(key, FIXED_SIGNALS + publicOutputs);

        bytes memory entries;
        for (uint256 i = 0; i < lists.outputs.length; ++i) {
            OutputEntry memory e = lists.outputs[i];
            entries = bytes.concat(
                entries, abi.encode(keccak256(bytes(e.tensor)), keccak256(bytes(e.scheme)), e.elements)
            );
        }
        bytes memory pinned = bytes.concat(
            abi.encode(
                program_,
                circuitId_,
                development_,
                keccak256(bytes(lists.inputTensor)),
                keccak256(bytes(lists.inputScheme)),
                lists.outputs.length,
                publicOutputs
            ),
            entries,
            key
        );
        bytes memory code =
            abi.encodePacked(type(Groth16ClaimVerifierCode).runtimeCode, pinned, uint256(pinned.length));
        assembly ("memory-safe") {
            return(add(code, 32), mload(code))
        }
    }

    function _checkLayout(Layout memory lists) private pure returns (uint256 publicOutputs) {
        if (lists.outputs.length == 0 || lists.outputs.length > 6) revert BadLayout();
        bool hasCommitment;
        for (uint256 i = 0; i < lists.outputs.length; ++i) {
            uint256 elements = lists.outputs[i].elements;
            if (elements > 5 || (elements == 0 && hasCommitment)) revert BadLayout();
            if (elements == 0) hasCommitment = true;
            publicOutputs += elements;
        }
        if (publicOutputs > 5) revert BadLayout();
    }

    function _checkKey(bytes memory key, uint256 signals) private view {
        uint256 words = key.length / 32;
        if (key.length % 32 != 0 || words < 24 || words > 34 || words % 2 != 0) revert KeyLength(key.length);
        if ((words - 16) / 2 != signals) revert SignalCount(signals, (words - 16) / 2);
        _checkG1(key, 0);
        for (uint256 i = 2; i < 14; i += 4) {
            _checkG2(key, i);
        }
        for (uint256 i = 14; i < words; i += 2) {
            _checkG1(key, i);
        }
        bool equal = true;
        for (uint256 i = 0; i < 4; ++i) {
            equal = equal && _keyWord(key, 6 + i) == _keyWord(key, 10 + i);
        }
        if (equal) revert KeyWithoutContribution();
    }

    function _checkG1(bytes memory key, uint256 word) private pure {
        if (!onCurve(_keyWord(key, word), _keyWord(key, word + 1))) revert KeyPoint(word);
    }

    /// The pairing precompile checks coordinates, curve and subgroup of G2 points; paired with infinity it gives one.
    function _checkG2(bytes memory key, uint256 word) private view {
        uint256[6] memory pair;
        uint256 any;
        for (uint256 i = 0; i < 4; ++i) {
            pair[2 + i] = _keyWord(key, word + i);
            any |= pair[2 + i];
        }
        bool ok;
        // A bad point takes all the gas it is given: 45,000 and 34,000 a pair, with room.
        assembly ("memory-safe") {
            ok := staticcall(200000, 8, pair, 192, 0, 32)
        }
        if (!ok || any == 0) revert KeyPoint(word);
    }

    function _keyWord(bytes memory key, uint256 word) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(key, 32), mul(word, 32)))
        }
    }
}
