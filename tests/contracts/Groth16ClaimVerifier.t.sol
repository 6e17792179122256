// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Claim, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";
import {
    Groth16ClaimVerifier,
    Groth16ClaimVerifierCode,
    Layout,
    OutputEntry,
    Q,
    R
} from "@veristack/verify-zkml/contracts/Groth16ClaimVerifier.sol";
import {Groth16Simulator} from "./lib/Groth16Simulator.sol";
import {ZkmlScene} from "./lib/Scene.sol";

contract Groth16ClaimVerifierTest is ZkmlScene {
    Groth16ClaimVerifierCode internal verifier;
    Claim internal claim;

    function setUp() public override {
        super.setUp();
        verifier = Groth16ClaimVerifierCode(address(newVerifier()));
        claim = Claim({
            request: keccak256("request"),
            program: PROGRAM,
            inputs: inputsOf(INPUT),
            outputs: outputsOf(7, LOGITS),
            requirement: keccak256("requirement"),
            claimant: claimant,
            chainId: 31337,
            verifyingContract: address(settlement),
            expiresAt: NOW + 1 hours
        });
    }

    function check(Claim memory c, bytes memory evidence) internal view returns (Status status) {
        uint64 finalAt;
        (status, finalAt) = verifier.check{gas: 3_000_000}(c, "", evidence);
        assertEq(finalAt, 0);
    }

    function rejects(Claim memory c, bytes memory evidence) internal view {
        assertTrue(check(c, evidence) == Status.Rejected, "rejected");
    }

    function accepts(Claim memory c, bytes memory evidence) internal view {
        assertTrue(check(c, evidence) == Status.Accepted, "accepted");
    }

    function test_acceptsAProofAndSaysWhatIsPinned() public view {
        accepts(claim, prove(claim));
        assertEq(verifier.program(), PROGRAM);
        assertEq(verifier.circuitId(), keccak256("circuit"));
        assertTrue(verifier.development(), "development");
    }

    function test_gasInsideTheCall() public view {
        bytes memory evidence = prove(claim);
        uint256 before = gasleft();
        (Status status,) = verifier.check(claim, "", evidence);
        uint256 used = before - gasleft();
        assertTrue(status == Status.Accepted, "accepted");
        assertAtMost("five signals", used, 250_000);
    }

    function test_rerandomisedProofVerifiesToo() public view {
        uint256[] memory s = signalsOf(claim, INPUT, LOGITS, 7);
        accepts(claim, evidenceOf(Groth16Simulator.prove(s, 29, 17), INPUT, LOGITS, 7));
        accepts(claim, evidenceOf(Groth16Simulator.prove(s, 23, 19), INPUT, LOGITS, 7));
    }

    /// Each member of the claim is changed in turn, under the same proof.
    function test_rejectsTheSameProofForAnotherClaim() public view {
        bytes memory evidence = prove(claim);
        Claim memory c = claim;
        c.request = keccak256("another request");
        rejects(c, evidence);
        c = claim;
        c.program = keccak256("another model");
        rejects(c, evidence);
        rejects(c, prove(c));
        c = claim;
        c.inputs = inputsOf(INPUT + 1);
        rejects(c, evidence);
        c = claim;
        c.outputs = outputsOf(8, LOGITS);
        rejects(c, evidence);
        c = claim;
        c.requirement = keccak256("another requirement");
        rejects(c, evidence);
        c = claim;
        c.claimant = squatter;
        rejects(c, evidence);
        c = claim;
        c.chainId = 1;
        rejects(c, evidence);
        rejects(c, prove(c));
        c = claim;
        c.verifyingContract = address(this);
        rejects(c, evidence);
        c = claim;
        c.expiresAt += 1;
        rejects(c, evidence);
    }

    function test_rejectsAClaimOfAnotherChainWithAProofForIt() public {
        Claim memory c = claim;
        vm.chainId(1337);
        rejects(c, prove(c));
        c.chainId = 1337;
        accepts(c, prove(c));
    }

    /// Values that the claim does not commit to, with proofs that are valid for them.
    function test_rejectsOtherValuesThanTheCommitted() public view {
        uint256[8] memory p = Groth16Simulator.prove(signalsOf(claim, INPUT + 1, LOGITS, 7), 23, 17);
        rejects(claim, evidenceOf(p, INPUT + 1, LOGITS, 7));
        p = Groth16Simulator.prove(signalsOf(claim, INPUT, LOGITS + 1, 7), 23, 17);
        rejects(claim, evidenceOf(p, INPUT, LOGITS + 1, 7));
        p = Groth16Simulator.prove(signalsOf(claim, INPUT, LOGITS, 8), 23, 17);
        rejects(claim, evidenceOf(p, INPUT, LOGITS, 8));
    }

    /// s + r is the same field element; the claim even commits to the alias and the proof is valid modulo r.
    function test_rejectsAliases() public view {
        Claim memory c = claim;
        c.inputs = inputsOf(INPUT + R);
        rejects(c, evidenceOf(Groth16Simulator.prove(signalsOf(c, INPUT, LOGITS, 7), 23, 17), INPUT + R, LOGITS, 7));
        c = claim;
        c.outputs = outputsOf(7, LOGITS + R);
        rejects(c, evidenceOf(Groth16Simulator.prove(signalsOf(c, INPUT, LOGITS, 7), 23, 17), INPUT, LOGITS + R, 7));
        int256[3] memory aliases = [int256(7 + R), 7 - int256(R), int256(R / 2 + 1)];
        for (uint256 i = 0; i < 3; ++i) {
            c = claim;
            c.outputs = outputsOf(aliases[i], LOGITS);
            uint256 element = i == 2 ? R / 2 + 1 : 7;
            uint256[8] memory p = Groth16Simulator.prove(signalsOf(c, INPUT, LOGITS, element), 23, 17);
            rejects(c, evidenceOf(p, INPUT, LOGITS, aliases[i]));
        }
    }

    function test_negativeOutputsAreFieldElementsBelowR() public view {
        int256[4] memory values = [int256(-1), -7, -int256(R / 2), int256(R / 2)];
        for (uint256 i = 0; i < 4; ++i) {
            Claim memory c = claim;
            c.outputs = outputsOf(values[i], LOGITS);
            uint256 element = values[i] < 0 ? R - uint256(-values[i]) : uint256(values[i]);
            accepts(
                c,
                evidenceOf(
                    Groth16Simulator.prove(signalsOf(c, INPUT, LOGITS, element), 23, 17), INPUT, LOGITS, values[i]
                )
            );
        }
    }

    function test_rejectsCoordinatesThatAreNotCanonical() public view {
        uint256[8] memory p = Groth16Simulator.prove(signalsOf(claim, INPUT, LOGITS, 7), 23, 17);
        for (uint256 i = 0; i < 8; ++i) {
            uint256[8] memory bad = copy(p);
            bad[i] += Q;
            rejects(claim, evidenceOf(bad, INPUT, LOGITS, 7));
            bad[i] = Q;
            rejects(claim, evidenceOf(bad, INPUT, LOGITS, 7));
            bad[i] = addmod(p[i], 1, Q);
            rejects(claim, evidenceOf(bad, INPUT, LOGITS, 7));
        }
    }

    /// Proofs that fulfil the equation with one of their points at infinity.
    function test_rejectsInfinity() public view {
        uint256[] memory s = signalsOf(claim, INPUT, LOGITS, 7);
        rejects(claim, evidenceOf(Groth16Simulator.prove(s, 0, 17), INPUT, LOGITS, 7));
        rejects(claim, evidenceOf(Groth16Simulator.prove(s, 23, 0), INPUT, LOGITS, 7));
        uint256 ic = 100;
        for (uint256 i = 0; i < 5; ++i) {
            ic = addmod(ic, mulmod(s[i], 101 + i, R), R);
        }
        uint256 a = mulmod(addmod(21, mulmod(ic, 11, R), R), Groth16Simulator.inverse(17), R);
        uint256[8] memory p = Groth16Simulator.prove(s, a, 17);
        assertTrue(p[6] == 0 && p[7] == 0, "C is at infinity");
        rejects(claim, evidenceOf(p, INPUT, LOGITS, 7));
    }

    function test_rejectsMalformedEvidence() public view {
        bytes memory good = prove(claim);
        rejects(claim, "");
        rejects(claim, bytes.concat(good, hex"00"));
        rejects(claim, bytes.concat(good, bytes32(0)));
        bytes memory cut = prove(claim);
        assembly {
            mstore(cut, sub(mload(cut), 1))
        }
        rejects(claim, cut);
        bytes memory pointer = prove(claim);
        assembly {
            mstore(add(pointer, add(32, mul(10, 32))), 0x180)
        }
        rejects(claim, pointer);
        bytes memory length = prove(claim);
        assembly {
            mstore(add(length, add(32, mul(11, 32))), 2)
        }
        rejects(claim, length);
    }

    function testFuzz_rejectsNoise(bytes calldata noise) public view {
        rejects(claim, noise);
    }

    function testFuzz_rejectsAChangedByte(uint256 position, uint8 change) public view {
        bytes memory evidence = prove(claim);
        vm.assume(change != 0);
        position = bound(position, 0, evidence.length - 1);
        evidence[position] = bytes1(uint8(evidence[position]) ^ change);
        rejects(claim, evidence);
    }

    function test_rejectsParams() public view {
        (Status status,) = verifier.check(claim, hex"00", prove(claim));
        assertTrue(status == Status.Rejected, "rejected");
    }

    function test_developmentKeyOutsideALocalChain() public {
        Claim memory c = claim;
        bytes memory code = address(verifier).code;
        bytes memory k = Groth16Simulator.key(5);
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(Groth16ClaimVerifier.DevelopmentKey.selector, 1));
        new Groth16ClaimVerifier(k, PROGRAM, keccak256("circuit"), lists(), true);
        // Code can be put anywhere without its constructor: it says no by itself.
        vm.etch(address(0xC0DE), code);
        verifier = Groth16ClaimVerifierCode(address(0xC0DE));
        c.chainId = 1;
        rejects(c, prove(c));
    }

    function test_ceremonyKeyOutsideALocalChain() public {
        vm.chainId(1);
        verifier = Groth16ClaimVerifierCode(
            address(new Groth16ClaimVerifier(Groth16Simulator.key(5), PROGRAM, keccak256("circuit"), lists(), false))
        );
        Claim memory c = claim;
        c.chainId = 1;
        accepts(c, prove(c));
    }

    function test_codeHashCommitsToEverythingPinned() public {
        bytes memory k = Groth16Simulator.key(5);
        bytes32 first = address(verifier).codehash;
        assertEq(address(newVerifier()).codehash, first);
        differs(first, address(new Groth16ClaimVerifier(k, PROGRAM, keccak256("circuit"), lists(), false)));
        differs(first, address(new Groth16ClaimVerifier(k, PROGRAM, keccak256("other"), lists(), true)));
        differs(first, address(new Groth16ClaimVerifier(k, keccak256("other"), keccak256("circuit"), lists(), true)));
        Layout memory l = lists();
        l.outputs[1].tensor = "other";
        differs(first, address(new Groth16ClaimVerifier(k, PROGRAM, keccak256("circuit"), l, true)));
        (uint256 x, uint256 y) = Groth16Simulator.g1(999);
        setPoint(k, 14, x, y);
        differs(first, address(new Groth16ClaimVerifier(k, PROGRAM, keccak256("circuit"), lists(), true)));
    }

    function differs(bytes32 first, address other) internal view {
        assertTrue(other.codehash != first, "another code hash");
    }

    function test_constructorRefusesBadKeys() public {
        for (uint256 word = 0; word < 26; ++word) {
            bytes memory k = Groth16Simulator.key(5);
            bytes memory beyond = Groth16Simulator.key(5);
            uint256 first = word < 2 ? 0 : word < 14 ? word - (word - 2) % 4 : word - word % 2;
            assembly {
                let p := add(add(k, 32), mul(word, 32))
                mstore(p, xor(mload(p), 1))
                p := add(add(beyond, 32), mul(word, 32))
                mstore(p, add(mload(p), 21888242871839275222246405745257275088696311157297823662689037894645226208583))
            }
            refuses(k, first);
            refuses(beyond, first);
        }
        bytes memory infinity = Groth16Simulator.key(5);
        setPoint(infinity, 24, 0, 0);
        refuses(infinity, 24);
        setPoint(infinity, 2, 0, 0);
        setPoint(infinity, 4, 0, 0);
        refuses(infinity, 2);
    }

    function refuses(bytes memory k, uint256 word) internal {
        vm.expectRevert(abi.encodeWithSelector(Groth16ClaimVerifier.KeyPoint.selector, word));
        new Groth16ClaimVerifier(k, PROGRAM, keccak256("circuit"), lists(), true);
    }

    function test_constructorRefusesAKeyWithoutContribution() public {
        bytes memory k = Groth16Simulator.key(5);
        uint256[4] memory gamma = Groth16Simulator.g2(11);
        setPoint(k, 10, gamma[0], gamma[1]);
        setPoint(k, 12, gamma[2], gamma[3]);
        vm.expectRevert(Groth16ClaimVerifier.KeyWithoutContribution.selector);
        new Groth16ClaimVerifier(k, PROGRAM, keccak256("circuit"), lists(), true);
    }

    function test_constructorRefusesWrongCounts() public {
        uint256[3] memory counts = [uint256(3), 10, 0];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory k = Groth16Simulator.key(counts[i]);
            vm.expectRevert(abi.encodeWithSelector(Groth16ClaimVerifier.KeyLength.selector, k.length));
            new Groth16ClaimVerifier(k, PROGRAM, keccak256("circuit"), lists(), true);
        }
        bytes memory six = Groth16Simulator.key(6);
        vm.expectRevert(abi.encodeWithSelector(Groth16ClaimVerifier.SignalCount.selector, 5, 6));
        new Groth16ClaimVerifier(six, PROGRAM, keccak256("circuit"), lists(), true);
        bytes memory k5 = Groth16Simulator.key(5);
        Layout memory l = lists();
        l.outputs[0].elements = 0;
        vm.expectRevert(Groth16ClaimVerifier.BadLayout.selector);
        new Groth16ClaimVerifier(k5, PROGRAM, keccak256("circuit"), l, true);
        l.outputs[0].elements = 6;
        vm.expectRevert(Groth16ClaimVerifier.BadLayout.selector);
        new Groth16ClaimVerifier(k5, PROGRAM, keccak256("circuit"), l, true);
    }

    function setPoint(bytes memory k, uint256 word, uint256 x, uint256 y) internal pure {
        assembly {
            let p := add(add(k, 32), mul(word, 32))
            mstore(p, x)
            mstore(add(p, 32), y)
        }
    }

    function copy(uint256[8] memory p) internal pure returns (uint256[8] memory out) {
        for (uint256 i = 0; i < 8; ++i) {
            out[i] = p[i];
        }
    }
}

/// No committed output, five public ones in two entries: nine signals.
contract Groth16NineSignalsTest is ZkmlScene {
    function test_gasAndUnusedCommitment() public {
        Layout memory l;
        l.inputTensor = "x";
        l.inputScheme = "poseidon-bn254/v1";
        l.outputs = new OutputEntry[](2);
        l.outputs[0] = OutputEntry("a", "raw/v1", 3);
        l.outputs[1] = OutputEntry("b", "raw/v1", 2);
        Groth16ClaimVerifierCode verifier = Groth16ClaimVerifierCode(
            address(new Groth16ClaimVerifier(Groth16Simulator.key(9), PROGRAM, keccak256("circuit"), l, true))
        );
        bytes32 i = TypedData.commitment(keccak256("x"), keccak256("poseidon-bn254/v1"), keccak256(abi.encode(INPUT)));
        bytes32 a = TypedData.commitment(
            keccak256("a"), keccak256("raw/v1"), keccak256(abi.encode(int256(1), int256(-2), int256(3)))
        );
        bytes32 b =
            TypedData.commitment(keccak256("b"), keccak256("raw/v1"), keccak256(abi.encode(int256(4), int256(5))));
        Claim memory c;
        c.program = PROGRAM;
        c.inputs = keccak256(abi.encodePacked(i));
        c.outputs = keccak256(abi.encodePacked(a, b));
        c.chainId = 31337;
        uint256 digest = uint256(TypedData.digest(c));
        uint256[] memory s = new uint256[](9);
        (s[0], s[1], s[2]) = (digest >> 128, digest & type(uint128).max, INPUT);
        (s[4], s[5], s[6], s[7], s[8]) = (1, R - 2, 3, 4, 5);
        int256[] memory raw = new int256[](5);
        (raw[0], raw[1], raw[2], raw[3], raw[4]) = (int256(1), -2, 3, 4, 5);
        bytes memory evidence = abi.encode(Groth16Simulator.prove(s, 23, 17), INPUT, uint256(0), raw);
        uint256 before = gasleft();
        (Status status,) = verifier.check(c, "", evidence);
        assertAtMost("nine signals", before - gasleft(), 290_000);
        assertTrue(status == Status.Accepted, "accepted");
        s[3] = 1;
        evidence = abi.encode(Groth16Simulator.prove(s, 23, 17), INPUT, uint256(1), raw);
        (status,) = verifier.check(c, "", evidence);
        assertTrue(status == Status.Rejected, "an output commitment that no list holds");
    }
}
