// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Anchor, ProgramRegistry} from "@veristack/settlement-evm/contracts/ProgramRegistry.sol";
import {Test} from "./lib/Test.sol";

contract ProgramRegistryTest is Test {
    ProgramRegistry private registry;
    address private publisher = address(0xA);
    address private squatter = address(0xB);
    bytes32 private constant PROGRAM = keccak256("program");
    bytes32 private constant CONTENT = keccak256("content");
    string private constant KIND = "zkml/groth16-bn254";

    function setUp() public {
        vm.warp(1000);
        registry = new ProgramRegistry();
    }

    function anchors(bytes32 digest) private pure returns (Anchor[] memory list) {
        list = new Anchor[](1);
        list[0] = Anchor(KIND, digest);
    }

    function publish(address who, bytes32 content, bytes32 digest) private {
        vm.prank(who);
        registry.publish(PROGRAM, content, anchors(digest));
    }

    function test_publishAppends() public {
        publish(publisher, CONTENT, keccak256("one"));
        vm.warp(2000);
        publish(publisher, CONTENT, keccak256("two"));
        publish(publisher, CONTENT, keccak256("one"));
        ProgramRegistry.Entry[] memory list = registry.anchorsOf(publisher, PROGRAM, KIND);
        assertEq(list.length, 2);
        assertEq(list[0].digest, keccak256("one"));
        assertEq(list[0].publishedAt, 1000);
        assertEq(list[1].digest, keccak256("two"));
        assertEq(list[1].publishedAt, 2000);
        ProgramRegistry.ProgramEntry memory p = registry.programOf(publisher, PROGRAM);
        assertEq(p.contentHash, CONTENT);
        assertEq(p.publishedAt, 1000);
        assertEq(p.revokedAt, 0);
    }

    function test_nobodyStandsInAnothersPlace() public {
        publish(squatter, keccak256("evil"), keccak256("evil anchor"));
        publish(publisher, CONTENT, keccak256("one"));
        assertEq(registry.programOf(publisher, PROGRAM).contentHash, CONTENT);
        assertEq(registry.anchorsOf(publisher, PROGRAM, KIND).length, 1);
        vm.prank(squatter);
        vm.expectRevert(
            abi.encodeWithSelector(ProgramRegistry.NoSuchAnchor.selector, KIND, keccak256("one"))
        );
        registry.revokeAnchor(PROGRAM, Anchor(KIND, keccak256("one")));
    }

    function test_contentIsFixed() public {
        publish(publisher, CONTENT, keccak256("one"));
        vm.prank(publisher);
        vm.expectRevert(abi.encodeWithSelector(ProgramRegistry.ProgramFixed.selector, PROGRAM, CONTENT));
        registry.publish(PROGRAM, keccak256("other"), anchors(keccak256("two")));
    }

    function test_revocation() public {
        publish(publisher, CONTENT, keccak256("one"));
        vm.warp(3000);
        vm.startPrank(publisher);
        registry.revokeAnchor(PROGRAM, Anchor(KIND, keccak256("one")));
        assertEq(registry.anchorsOf(publisher, PROGRAM, KIND)[0].revokedAt, 3000);
        vm.expectRevert(ProgramRegistry.AlreadyRevoked.selector);
        registry.revokeAnchor(PROGRAM, Anchor(KIND, keccak256("one")));
        registry.publish(PROGRAM, CONTENT, anchors(keccak256("one"))); // publishing again revives nothing
        assertEq(registry.anchorsOf(publisher, PROGRAM, KIND)[0].revokedAt, 3000);
        registry.revokeProgram(PROGRAM);
        vm.expectRevert(ProgramRegistry.AlreadyRevoked.selector);
        registry.revokeProgram(PROGRAM);
        vm.expectRevert(abi.encodeWithSelector(ProgramRegistry.ProgramFixed.selector, PROGRAM, CONTENT));
        registry.publish(PROGRAM, CONTENT, anchors(keccak256("two")));
        vm.expectRevert(
            abi.encodeWithSelector(ProgramRegistry.NotPublished.selector, publisher, keccak256("unknown"))
        );
        registry.revokeProgram(keccak256("unknown"));
        vm.stopPrank();
    }

    function test_refusesEmptyThings() public {
        vm.startPrank(publisher);
        vm.expectRevert(ProgramRegistry.ZeroDigest.selector);
        registry.publish(PROGRAM, 0, anchors(keccak256("one")));
        vm.expectRevert(ProgramRegistry.ZeroDigest.selector);
        registry.publish(PROGRAM, CONTENT, anchors(0));
        Anchor[] memory list = anchors(keccak256("one"));
        list[0].kind = "";
        vm.expectRevert(abi.encodeWithSelector(ProgramRegistry.BadKind.selector, ""));
        registry.publish(PROGRAM, CONTENT, list);
        list[0].kind = string(new bytes(65));
        vm.expectRevert(abi.encodeWithSelector(ProgramRegistry.BadKind.selector, list[0].kind));
        registry.publish(PROGRAM, CONTENT, list);
        vm.stopPrank();
    }
}
