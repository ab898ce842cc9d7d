import workspace from '../../eslint.config.mjs'
import { pureDecide } from './eslint.pure-decide.mjs'

export default [...workspace, ...pureDecide]
