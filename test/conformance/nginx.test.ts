import { nginx } from '../../bench/conformance/peers.ts'
import { describePeer } from './peer.ts'

describePeer(nginx)
